package org.transhume.engine.forecast;

/**
 * How fast pages with content go out when nothing holds them back: what the pause, which knows no cap, can count on. Neither
 * waiting for a cap nor looking at zero pages falsifies it, nor bytes that only fill the socket's queue. One thread.
 */
public final class Throughput {
    private static final double NANOS_PER_SECOND = 1e9;
    private static final long WINDOW_NANOS = 50_000_000;
    private static final int WINDOWS = 6;

    private final double[] pages = new double[WINDOWS];
    private final double[] nanos = new double[WINDOWS];
    private final double[] bytes = new double[WINDOWS];
    private int closed;
    private double openPages;
    private double openNanos;
    private double openBytes;

    /**
     * Some pages went out.
     *
     * @param count pages with content
     * @param sent bytes written for them
     * @param delivered bytes of these, and of what waited before, that left the queue meanwhile
     * @param took nanoseconds in which the way was busy
     */
    public void sent(long count, long sent, long delivered, long took) {
        if (count <= 0 || sent <= 0 || took <= 0 || delivered <= 0) {
            return;
        }
        openPages += (double) count * delivered / sent;
        openBytes += delivered;
        openNanos += took;
        if (openNanos >= WINDOW_NANOS) {
            int at = closed++ % WINDOWS;
            pages[at] = openPages;
            nanos[at] = openNanos;
            bytes[at] = openBytes;
            openPages = 0;
            openNanos = 0;
            openBytes = 0;
        }
    }

    /** 0 until pages with content went out. */
    public double pagesPerSecond() {
        double time = sum(nanos, openNanos);
        return time == 0 ? 0 : sum(pages, openPages) * NANOS_PER_SECOND / time;
    }

    /** Of the same time; 0 until pages with content went out. */
    public double bytesPerSecond() {
        double time = sum(nanos, openNanos);
        return time == 0 ? 0 : sum(bytes, openBytes) * NANOS_PER_SECOND / time;
    }

    /** Bytes that a page with content takes on the wire; 0 until one went out. */
    public double bytesPerPage() {
        double count = sum(pages, openPages);
        return count == 0 ? 0 : sum(bytes, openBytes) / count;
    }

    private double sum(double[] windows, double open) {
        double sum = closed == 0 ? open : 0; // a window that is not full says little, unless there is nothing else
        for (int i = 0; i < Math.min(closed, WINDOWS); i++) {
            sum += windows[i];
        }
        return sum;
    }
}
