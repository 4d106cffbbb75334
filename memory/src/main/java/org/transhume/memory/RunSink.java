package org.transhume.memory;

/** Takes runs of adjacent pages. */
@FunctionalInterface
public interface RunSink {
    /** Pages {@code firstPage} to {@code firstPage + count - 1}; {@code count} is at least 1. */
    void run(long firstPage, long count);
}
