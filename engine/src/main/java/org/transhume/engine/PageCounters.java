package org.transhume.engine;

import java.util.concurrent.atomic.LongAdder;

/** Pages moved, by kind: counted where it happens, once a batch and never once a page. Written by lanes, read by anyone. */
public final class PageCounters {
    /** Pages that travelled in full. */
    public final LongAdder normal = new LongAdder();
    /** Pages that were found to be zero, and travelled as such. */
    public final LongAdder zero = new LongAdder();
    /** Pages of ranges that were never written, known without reading them. */
    public final LongAdder hole = new LongAdder();
}
