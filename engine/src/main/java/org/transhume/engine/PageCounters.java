package org.transhume.engine;

import java.util.concurrent.atomic.LongAdder;

/** Pages moved, by kind: counted where it happens, once a batch and never once a page. Written by lanes, read by anyone. */
public final class PageCounters {
    /** Pages that travelled in full, as they are or in compressed packets. */
    public final LongAdder normal = new LongAdder();
    /** Pages that travelled as a delta. */
    public final LongAdder delta = new LongAdder();
    /** Pages that came compressed one by one on the main channel. */
    public final LongAdder compressed = new LongAdder();
    /** Pages that were found to be zero, and travelled as such. */
    public final LongAdder zero = new LongAdder();
    /** Pages of ranges that were never written, known without reading them. */
    public final LongAdder hole = new LongAdder();
    /** Pages that the destination asked for in postcopy. */
    public final LongAdder requested = new LongAdder();
    /** Packets that end an epoch of a page channel. */
    public final LongAdder syncPackets = new LongAdder();
}
