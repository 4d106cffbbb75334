package org.transhume.engine.outgoing;

import java.util.ArrayList;
import java.util.List;

/**
 * How the bandwidth went up and down, in so many windows that a curve can be drawn: when there are too many, two become one.
 * The migration's thread.
 */
final class BandwidthHistory {
    private static final int MOST = 600;

    private final List<Long> windows = new ArrayList<>();
    private long windowNanos;
    private double openBytes;
    private double openNanos;

    /** @param windowNanos length of the first windows */
    BandwidthHistory(long windowNanos) {
        this.windowNanos = windowNanos;
    }

    /** @param nanos about a window, or more */
    void sent(long bytes, long nanos) {
        openBytes += bytes;
        openNanos += nanos;
        if (openNanos < windowNanos) {
            return;
        }
        windows.add((long) (openBytes * 1e9 / openNanos));
        openBytes = 0;
        openNanos = 0;
        if (windows.size() == MOST) {
            for (int i = 0; i < MOST / 2; i++) {
                windows.set(i, (windows.get(2 * i) + windows.get(2 * i + 1)) / 2);
            }
            windows.subList(MOST / 2, MOST).clear();
            windowNanos *= 2;
        }
    }

    OutgoingReport.Bandwidth report() {
        return new OutgoingReport.Bandwidth(windowNanos / 1_000_000, List.copyOf(windows));
    }
}
