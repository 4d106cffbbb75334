package org.transhume.codec.delta;

/** The unit of deltas. */
final class Page {
    static final int BYTES = 4096;

    private Page() {}
}
