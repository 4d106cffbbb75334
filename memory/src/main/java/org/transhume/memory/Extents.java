package org.transhume.memory;

import java.util.Arrays;

/** Stretches of a block, in bytes, ascending and apart. One thread. */
final class Extents {
    private long[] bounds = new long[16]; // from, to, from, to
    private int used;

    /** @param from not before the end of what was added so far; where it is that end, the last stretch goes on */
    void add(long from, long to) {
        if (used > 0 && bounds[used - 1] == from) {
            bounds[used - 1] = to;
            return;
        }
        if (used == bounds.length) {
            bounds = Arrays.copyOf(bounds, 2 * used);
        }
        bounds[used++] = from;
        bounds[used++] = to;
    }

    void forEach(ExtentSink sink) {
        for (int at = 0; at < used; at += 2) {
            sink.extent(bounds[at], bounds[at + 1] - bounds[at]);
        }
    }

    /** What is in between, in front and behind, up to {@code end}. */
    void forEachGap(long end, ExtentSink sink) {
        long from = 0;
        for (int at = 0; at <= used; at += 2) {
            long to = at < used ? bounds[at] : end;
            if (to > from) {
                sink.extent(from, to - from);
            }
            from = at < used ? bounds[at + 1] : end;
        }
    }

    /** These and {@code others}, which lie in the gaps. */
    Extents with(Extents others) {
        if (others.used == 0) {
            return this;
        }
        Extents all = new Extents();
        int mine = 0;
        for (int other = 0; mine < used || other < others.used; ) {
            boolean takeMine = other == others.used || (mine < used && bounds[mine] < others.bounds[other]);
            if (takeMine) {
                all.add(bounds[mine], bounds[mine + 1]);
                mine += 2;
            } else {
                all.add(others.bounds[other], others.bounds[other + 1]);
                other += 2;
            }
        }
        return all;
    }
}
