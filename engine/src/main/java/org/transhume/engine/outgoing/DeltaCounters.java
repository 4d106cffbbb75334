package org.transhume.engine.outgoing;

import java.util.concurrent.atomic.LongAdder;

/** What XBZRLE did, counted by the lanes. Units and meanings: {@link DeltaProgress}. */
final class DeltaCounters {
    final LongAdder bytes = new LongAdder();
    final LongAdder pages = new LongAdder();
    final LongAdder misses = new LongAdder();
    final LongAdder overflows = new LongAdder();
    final LongAdder unchanged = new LongAdder();
}
