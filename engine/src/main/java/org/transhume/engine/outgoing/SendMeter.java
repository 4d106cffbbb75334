package org.transhume.engine.outgoing;

import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.transhume.engine.Clock;
import org.transhume.engine.forecast.Throughput;

/**
 * How long one thread of lanes was busy and what it got through meanwhile. A cap makes lanes wait between batches: that time
 * counts only where the socket's queue did not run dry, as the path was busy then. Written by that thread, collected by the
 * migration's.
 */
final class SendMeter {
    /** Less may only wait for its acknowledgement, which a peer that has everything may keep back for 40 ms. */
    private static final long BUSY_BYTES = 128 << 10;

    private final Clock clock;
    private long begin;
    private long end;
    private long unsentBefore;
    private long unsentAfter;

    // One writer. A collector may see the last batch in one of them and not yet in another: nothing to a sum of
    // windows.
    private final AtomicLong pages = new AtomicLong();
    private final AtomicLong sent = new AtomicLong();
    private final AtomicLong delivered = new AtomicLong();
    private final AtomicLong nanos = new AtomicLong();

    // The collector's.
    private long pagesSeen;
    private long sentSeen;
    private long deliveredSeen;
    private long nanosSeen;

    SendMeter(Clock clock) {
        this.clock = clock;
    }

    /** A batch is about to be sent. */
    void begin(long unsent) {
        begin = clock.nanos();
        if (end != 0 && unsent >= BUSY_BYTES && unsent <= unsentAfter) {
            add(delivered, unsentAfter - unsent);
            add(nanos, begin - end);
        }
        unsentBefore = unsent;
    }

    /** It was. */
    void end(long content, long bytes, long unsent) {
        end = clock.nanos();
        if (content > 0) {
            add(pages, content);
            add(sent, bytes);
            add(delivered, bytes - (unsent - unsentBefore));
            add(nanos, end - begin);
        }
        unsentAfter = unsent;
    }

    private static void add(AtomicLong counter, long amount) {
        counter.setRelease(counter.getPlain() + amount); // pairs with getAcquire in collect
    }

    /** Tells {@code throughput} what several threads, working side by side, got through since the last call. */
    static void collect(List<SendMeter> meters, Throughput throughput) {
        long pages = 0;
        long sent = 0;
        long delivered = 0;
        double rate = 0;
        for (SendMeter meter : meters) {
            long nanos = meter.nanos.getAcquire() - meter.nanosSeen;
            long here = meter.delivered.getAcquire() - meter.deliveredSeen;
            if (nanos <= 0 || here <= 0) {
                continue;
            }
            long pagesHere = meter.pages.getAcquire() - meter.pagesSeen;
            long sentHere = meter.sent.getAcquire() - meter.sentSeen;
            meter.nanosSeen += nanos;
            meter.deliveredSeen += here;
            meter.pagesSeen += pagesHere;
            meter.sentSeen += sentHere;
            pages += pagesHere;
            sent += sentHere;
            delivered += here;
            rate += (double) here / nanos;
        }
        if (rate > 0) {
            throughput.sent(pages, sent, delivered, (long) (delivered / rate));
        }
    }
}
