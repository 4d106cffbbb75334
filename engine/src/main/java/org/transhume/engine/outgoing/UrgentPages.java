package org.transhume.engine.outgoing;

import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import org.jctools.queues.MpscArrayQueue;
import org.transhume.channels.qemu.CorruptStreamException;
import org.transhume.channels.qemu.ReturnPathMessage;
import org.transhume.engine.PageCounters;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.PageSize;
import org.transhume.memory.RamBlock;

/**
 * Pages that the destination asked for, ahead of all others (spec: stream.md §8.3): sent at once by whoever reads the request if
 * there is a channel for them, else by the migration's thread, next in its stream. A request is one of a fixed number of slots,
 * which go back and forth; while all are under way nothing more is read from the destination.
 */
final class UrgentPages {
    private static final int SLOTS = 1024;
    private static final long PATIENCE_NANOS = 50_000;

    private static final class Wanted {
        int block;
        long page;
    }

    private final PendingPages pending;
    private final PageCounters counters;
    private final Runnable hurry;
    private final List<RamBlock> blocks;
    private final Map<String, Integer> byName = new HashMap<>();
    private final MpscArrayQueue<Wanted> wanted = new MpscArrayQueue<>(SLOTS);
    private final MpscArrayQueue<Wanted> free = new MpscArrayQueue<>(SLOTS);
    private volatile UrgentChannel channel;
    private volatile boolean closed;
    private int lastBlock = -1; // of the return path's thread
    private int takenBlock; // of the migration's thread, as is
    private long takenPage;

    /** @param hurry called when a page waits for the migration's thread, which may wait for its rate limit */
    UrgentPages(GuestMemory memory, PendingPages pending, PageCounters counters, Runnable hurry) {
        this.pending = pending;
        this.counters = counters;
        this.hurry = hurry;
        this.blocks = memory.blocks();
        for (int i = 0; i < blocks.size(); i++) {
            byName.put(blocks.get(i).name(), i);
        }
        for (int i = 0; i < SLOTS; i++) {
            free.offer(new Wanted());
        }
    }

    /** From here on pages go over this channel; null: there is none. */
    void over(UrgentChannel urgent) {
        channel = urgent;
    }

    /** Another connection is to come, which names its block first, and as yet has no channel. Nobody reads the return path. */
    void begin() {
        lastBlock = -1;
        channel = null;
        closed = false;
    }

    /**
     * The destination asks for pages. The return path's thread.
     *
     * @param path names the connection in errors
     * @param at offset of the request on it
     */
    void asked(ReturnPathMessage.RequestPages request, String path, long at) throws IOException {
        if (request.block() != null) {
            Integer named = byName.get(request.block());
            if (named == null) {
                throw new CorruptStreamException(
                        path, at, "request for pages of block '%s', which does not exist".formatted(request.block()));
            }
            lastBlock = named;
        } else if (lastBlock < 0) {
            throw new CorruptStreamException(path, at, "request for pages of the block before, but none was named yet");
        }
        RamBlock block = blocks.get(lastBlock);
        if (request.start() > block.size() - request.length()) {
            throw new CorruptStreamException(
                    path,
                    at,
                    "request overrun: %d bytes at 0x%x of block '%s', expected them within its 0x%x"
                            .formatted(request.length(), request.start(), block.name(), block.size()));
        }
        long first = request.start() / PageSize.BYTES;
        long count = request.length() / PageSize.BYTES;
        counters.requested.add(count);
        UrgentChannel own = channel;
        for (long page = first; page < first + count; page++) {
            if (own == null) {
                enqueue(lastBlock, page);
            } else {
                own.send(lastBlock, page);
            }
        }
        if (own != null) {
            own.flush();
        } else {
            hurry.run();
        }
    }

    private void enqueue(int block, long page) {
        if (!pending.isPending(block, page)) {
            return; // it is on its way, and nobody may be left who takes such requests out
        }
        Wanted slot = free.poll();
        while (slot == null && !closed) {
            hurry.run();
            LockSupport.parkNanos(PATIENCE_NANOS);
            slot = free.poll();
        }
        if (slot != null) {
            slot.block = block;
            slot.page = page;
            wanted.offer(slot);
        }
    }

    /** Whether a page waits for the migration's thread. */
    boolean waiting() {
        return !wanted.isEmpty();
    }

    /** Takes the next one that is still to be sent, for the migration's thread, which asks for its place below. */
    boolean take() {
        for (Wanted slot = wanted.poll(); slot != null; slot = wanted.poll()) {
            takenBlock = slot.block;
            takenPage = slot.page;
            free.offer(slot);
            if (pending.take(takenBlock, takenPage)) {
                return true;
            }
        }
        return false;
    }

    int takenBlock() {
        return takenBlock;
    }

    long takenPage() {
        return takenPage;
    }

    /** Forgets what waits: whoever comes back asks again. No thread reads the return path. */
    void forget() {
        for (Wanted slot = wanted.poll(); slot != null; slot = wanted.poll()) {
            free.offer(slot);
        }
    }

    /** Has the migration's thread look, if it waits for its rate limit. Any thread. */
    void hurry() {
        hurry.run();
    }

    /** Nobody sends any more: whoever reads requests does not wait, until {@link #begin}. Any thread. */
    void stop() {
        closed = true;
    }
}
