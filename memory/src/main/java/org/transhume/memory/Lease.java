package org.transhume.memory;

/** A user's hold on guest memory: while it is open, nothing is unmapped. Any thread may close it; closing twice is harmless. */
public interface Lease extends AutoCloseable {
    @Override
    void close();
}
