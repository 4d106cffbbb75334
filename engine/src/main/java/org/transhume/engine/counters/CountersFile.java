package org.transhume.engine.counters;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.agrona.concurrent.status.AtomicCounter;
import org.agrona.concurrent.status.CountersManager;
import org.transhume.engine.Threads;
import org.transhume.memory.RamBlock;

/**
 * Shows the counters of this process's migrations to others, which need no more than the right to look into /proc/PID/fd: the
 * file is a memfd, so it lies in no directory, nobody can truncate it, and it is gone with its process however that ends.
 *
 * <p>A thread of its own looks at the migrations ten times a second; they know nothing of it and pay nothing. Any thread. Close it
 * when the migrations have ended.
 *
 * <p>Agrona needs {@code --add-exports java.base/jdk.internal.misc=ALL-UNNAMED}; whoever opens no file does not need it.
 */
public final class CountersFile implements AutoCloseable {
    /** How old a value can be. */
    public static final int PERIOD_MILLIS = 100;

    private static final long PERIOD_NANOS = PERIOD_MILLIS * 1_000_000L;

    private final RamBlock block;
    private final UnsafeBuffer header;
    private final CountersManager manager;
    private final Thread publisher;
    private final List<Published> migrations = new ArrayList<>(); // guarded by this
    private long numbers; // guarded by this
    private long sequence; // guarded by this
    private volatile boolean closed;

    private CountersFile(RamBlock block) {
        this.block = block;
        long address = block.address();
        header = new UnsafeBuffer(address, CountersLayout.NAMES_AT);
        manager = new CountersManager(
                new UnsafeBuffer(address + CountersLayout.NAMES_AT, CountersLayout.NAMES_BYTES),
                new UnsafeBuffer(address + CountersLayout.VALUES_AT, CountersLayout.VALUES_BYTES),
                StandardCharsets.US_ASCII);
        header.putInt(CountersLayout.VERSION_AT, CountersLayout.VERSION);
        header.putInt(CountersLayout.CAPACITY_AT, CountersLayout.CAPACITY);
        header.putLong(CountersLayout.PID_AT, ProcessHandle.current().pid());
        publisher = Thread.ofPlatform().daemon().name("transhume counters").unstarted(this::publishUntilClosed);
    }

    /** Opens the file; migrations are {@linkplain #show shown} in it one by one. */
    public static CountersFile open() {
        RamBlock block = RamBlock.memfd(CountersLayout.FILE_NAME, CountersLayout.BYTES);
        try {
            CountersFile file = new CountersFile(block);
            file.publish();
            // Release, and last: a reader that finds the magic finds all of the header (pairs with its reads in order).
            file.header.putLongRelease(CountersLayout.MAGIC_AT, CountersLayout.MAGIC);
            file.publisher.start();
            return file;
        } catch (Throwable t) {
            block.close();
            throw t;
        }
    }

    /** One migration in the file. Closing it takes it out. */
    public interface Shown extends AutoCloseable {
        @Override
        void close();
    }

    /**
     * Shows a migration until what is returned is closed.
     *
     * @param name for people; its first 92 ASCII characters are kept
     * @param counters asked again and again, by a thread of the file's
     * @throws IllegalStateException if the file is full or closed; nothing is shown then
     */
    public synchronized Shown show(String name, Supplier<CounterValues> counters) {
        if (closed) {
            throw new IllegalStateException("the counters file is closed, " + name + " cannot be shown");
        }
        CounterValues first = counters.get();
        if (manager.available() < Counter.of(first.side()).size()) {
            throw new IllegalStateException(
                    "the counters file has room for %d counters, all in use: close those of migrations that have ended"
                            .formatted(CountersLayout.CAPACITY));
        }
        Published published = new Published(++numbers, name, first.side(), counters);
        begin();
        try {
            published.allocate();
            migrations.add(published);
            published.publish(first);
        } finally {
            end();
        }
        return () -> hide(published);
    }

    private synchronized void hide(Published published) {
        if (closed || !migrations.remove(published)) {
            return;
        }
        begin();
        try {
            published.free();
        } finally {
            end();
        }
    }

    private void publishUntilClosed() {
        while (!closed) {
            LockSupport.parkNanos(PERIOD_NANOS);
            publish();
        }
    }

    private synchronized void publish() {
        if (closed) {
            return;
        }
        List<CounterValues> looks = new ArrayList<>();
        for (Published migration : migrations) {
            looks.add(migration.counters.get());
        }
        begin();
        try {
            for (int i = 0; i < looks.size(); i++) {
                migrations.get(i).publish(looks.get(i));
            }
        } finally {
            end();
        }
    }

    /** The sequence becomes odd before anything else changes. */
    private void begin() {
        header.putLongVolatile(CountersLayout.SEQUENCE_AT, ++sequence);
    }

    /** And even after everything has: release, so that a reader that finds it twice found nothing half-way in between. */
    private void end() {
        header.putLong(CountersLayout.PUBLISHED_AT, System.currentTimeMillis());
        header.putLongRelease(CountersLayout.SEQUENCE_AT, ++sequence);
    }

    @Override
    public void close() {
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
        }
        LockSupport.unpark(publisher);
        Threads.join(publisher);
        block.close();
    }

    /** One migration's place in the file. Guarded by the file. */
    private final class Published {
        final Supplier<CounterValues> counters;
        private final long number;
        private final byte[] name;
        private final Side side;
        private final Map<Counter, AtomicCounter> own = new EnumMap<>(Counter.class);
        private final Map<Integer, AtomicCounter[]> channels = new HashMap<>();

        Published(long number, String name, Side side, Supplier<CounterValues> counters) {
            this.number = number;
            byte[] ascii = name.getBytes(StandardCharsets.US_ASCII);
            this.name = ascii.length <= CountersLayout.MAX_NAME ? ascii : Arrays.copyOf(ascii, CountersLayout.MAX_NAME);
            this.side = side;
            this.counters = counters;
        }

        void allocate() {
            for (Counter counter : Counter.of(side)) {
                own.put(counter, allocate(counter, CountersLayout.NO_CHANNEL));
            }
        }

        private AtomicCounter allocate(Counter counter, int channel) {
            return manager.newCounter(counter.wireName(), counter.code, key -> key(key, channel));
        }

        private void key(MutableDirectBuffer key, int channel) {
            key.putLong(CountersLayout.KEY_MIGRATION, number);
            key.putInt(CountersLayout.KEY_SIDE, side.code);
            key.putInt(CountersLayout.KEY_CHANNEL, channel);
            key.putInt(CountersLayout.KEY_NAME_LENGTH, name.length);
            key.putBytes(CountersLayout.KEY_NAME, name);
        }

        void publish(CounterValues values) {
            own.forEach((counter, cell) -> cell.setPlain(values.get(counter)));
            Map<Integer, long[]> sums = new HashMap<>();
            for (CounterValues.Channel channel : values.channels()) {
                // Strangers share a number.
                long[] sum = sums.computeIfAbsent(channel.number(), _ -> new long[2]);
                sum[0] += channel.writtenBytes();
                sum[1] += channel.readBytes();
            }
            forgetAllBut(sums.keySet());
            sums.forEach((id, sum) -> {
                AtomicCounter[] cells = channel(id);
                if (cells.length > 0) {
                    cells[0].setPlain(sum[0]);
                    cells[1].setPlain(sum[1]);
                }
            });
        }

        /** A stranger that told which channel it is, or went, is no channel of its own any more. */
        private void forgetAllBut(Set<Integer> present) {
            channels.entrySet().removeIf(channel -> {
                if (present.contains(channel.getKey())) {
                    return false;
                }
                free(channel.getValue());
                return true;
            });
        }

        /** @return empty where the file has no room for one more: the sums are there all the same */
        private AtomicCounter[] channel(int id) {
            AtomicCounter[] known = channels.get(id);
            if (known != null) {
                return known;
            }
            if (manager.available() < 2) {
                return new AtomicCounter[0];
            }
            AtomicCounter[] cells = {
                allocate(Counter.CHANNEL_WRITTEN_BYTES, id), allocate(Counter.CHANNEL_READ_BYTES, id)
            };
            channels.put(id, cells);
            return cells;
        }

        void free() {
            own.values().forEach(AtomicCounter::close);
            channels.values().forEach(this::free);
        }

        private void free(AtomicCounter[] cells) {
            for (AtomicCounter cell : cells) {
                cell.close();
            }
        }
    }
}
