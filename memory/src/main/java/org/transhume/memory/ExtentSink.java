package org.transhume.memory;

/** Takes the stretches of a block that hold data. */
@FunctionalInterface
public interface ExtentSink {
    /** {@code offset} and {@code length} are bytes, multiples of the page size; they come in ascending order and do not touch. */
    void extent(long offset, long length);
}
