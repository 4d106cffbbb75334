package org.transhume.engine.outgoing;

import java.util.concurrent.atomic.LongAdder;

/** What {@link PageCompressionLane} did. Units and meanings: {@link PageCompressionProgress}. */
final class PageCompressionCounters {
    final LongAdder pages = new LongAdder();
    final LongAdder busy = new LongAdder();
    final LongAdder compressedBytes = new LongAdder();
}
