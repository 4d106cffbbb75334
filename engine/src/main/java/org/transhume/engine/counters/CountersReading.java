package org.transhume.engine.counters;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.agrona.concurrent.status.CountersReader;

/**
 * Reads the counters of another process. What is found there is not trusted: it is copied out with plain reads, as a mapping of a
 * file that shrinks would end this process, and every number is checked before it is used. One thread.
 */
public final class CountersReading implements AutoCloseable {
    private static final int TRIES = 50;
    private static final long PAUSE_NANOS = 2_000_000;

    private final long pid;
    private final BooleanSupplier alive;
    private final FileChannel file;
    private final byte[] bytes = new byte[CountersLayout.BYTES];
    private final UnsafeBuffer all = new UnsafeBuffer(bytes);

    /** @param alive whether the process still holds the file, which outlives it for as long as it is open here */
    CountersReading(long pid, BooleanSupplier alive, FileChannel file) {
        this.pid = pid;
        this.alive = alive;
        this.file = file;
    }

    /**
     * One migration as another process shows it.
     *
     * @param name it was given there
     * @param side null if it is none that this version knows
     * @param counters by their names, in the order of the file
     * @param channels by their numbers, as {@link CounterValues.Channel} has them
     */
    public record Migration(
            long number, String name, Side side, Map<String, Long> counters, List<CounterValues.Channel> channels) {
        /** 0 if it is not there. */
        public long get(Counter counter) {
            return counters.getOrDefault(counter.wireName(), 0L);
        }
    }

    /**
     * All of one publication.
     *
     * @param publishedMillis since the epoch, by the clock of the process
     * @param migrations in the order in which they began
     */
    public record Snapshot(long publishedMillis, List<Migration> migrations) {}

    /** @throws CountersUnavailableException if there is no such process, none of its counters, or none for this user */
    public static CountersReading of(long pid) throws CountersUnavailableException {
        Path process = Path.of("/proc/%d".formatted(pid));
        if (!Files.isDirectory(process)) {
            throw new CountersUnavailableException("no process %d; see 'pgrep -fl transhume'".formatted(pid), true);
        }
        CountersReading found = null;
        try (DirectoryStream<Path> descriptors = Files.newDirectoryStream(process.resolve("fd"))) {
            for (Path descriptor : descriptors) {
                if (found == null && linksToCounters(descriptor)) {
                    found = openIfCounters(descriptor, pid);
                }
            }
        } catch (AccessDeniedException e) {
            throw new CountersUnavailableException(
                    "process %d belongs to somebody else; ask as its user or as root".formatted(pid), false);
        } catch (IOException | DirectoryIteratorException e) {
            throw new CountersUnavailableException("process %d has ended".formatted(pid), true);
        }
        if (found == null) {
            throw new CountersUnavailableException(
                    "process %d shows no counters; 'transhume guest', 'receive', 'send' and 'demo' do".formatted(pid),
                    false);
        }
        return found;
    }

    private static CountersReading openIfCounters(Path descriptor, long pid) {
        try {
            FileChannel file = FileChannel.open(descriptor, StandardOpenOption.READ);
            if (isCounters(file, pid)) {
                return new CountersReading(pid, () -> linksToCounters(descriptor), file);
            }
            file.close();
        } catch (IOException e) {
            // Closed meanwhile, or none that this user may read: another may be the one.
        }
        return null;
    }

    private static boolean linksToCounters(Path descriptor) {
        try {
            return Files.readSymbolicLink(descriptor).toString().startsWith("/memfd:" + CountersLayout.FILE_NAME);
        } catch (IOException e) {
            return false;
        }
    }

    /** RAM whose name a peer chose could carry the name of the file, too. */
    private static boolean isCounters(FileChannel file, long pid) throws IOException {
        byte[] header = new byte[CountersLayout.SEQUENCE_AT];
        UnsafeBuffer fields = new UnsafeBuffer(header);
        return file.size() == CountersLayout.BYTES
                && file.read(ByteBuffer.wrap(header), 0) == header.length
                && fields.getLong(CountersLayout.MAGIC_AT) == CountersLayout.MAGIC
                && fields.getInt(CountersLayout.VERSION_AT) == CountersLayout.VERSION
                && fields.getInt(CountersLayout.CAPACITY_AT) == CountersLayout.CAPACITY
                && (fields.getLong(CountersLayout.PID_AT) == pid || inAnotherNamespace(pid));
    }

    /** A process in a container knows itself by another number. */
    private static boolean inAnotherNamespace(long pid) {
        try {
            return !Files.readSymbolicLink(Path.of("/proc/%d/ns/pid".formatted(pid)))
                    .equals(Files.readSymbolicLink(Path.of("/proc/self/ns/pid")));
        } catch (IOException e) {
            return false;
        }
    }

    /** @throws CountersUnavailableException if the process ended, stopped in the middle of a publication, or published nonsense */
    public Snapshot read() throws CountersUnavailableException {
        for (int i = 0; i < TRIES; i++) {
            if (!alive.getAsBoolean()) {
                throw new CountersUnavailableException("process %d has ended".formatted(pid), true);
            }
            long before = sequence();
            if ((before & 1) == 0) {
                fill();
                if (sequence() == before && all.getLong(CountersLayout.SEQUENCE_AT) == before) {
                    return parse();
                }
            }
            LockSupport.parkNanos(PAUSE_NANOS);
        }
        throw new CountersUnavailableException(
                "process %d does not finish publishing its counters; is it stopped?".formatted(pid), false);
    }

    private long sequence() throws CountersUnavailableException {
        byte[] word = new byte[Long.BYTES];
        copy(ByteBuffer.wrap(word), CountersLayout.SEQUENCE_AT);
        return new UnsafeBuffer(word).getLong(0);
    }

    private void fill() throws CountersUnavailableException {
        copy(ByteBuffer.wrap(bytes), 0);
    }

    private void copy(ByteBuffer into, long from) throws CountersUnavailableException {
        try {
            while (into.hasRemaining()) {
                int count = file.read(into, from + into.position());
                if (count < 0) {
                    throw corrupt("it ends at byte %d of %d".formatted(from + into.position(), CountersLayout.BYTES));
                }
            }
        } catch (IOException e) {
            throw corrupt(e.getMessage());
        }
    }

    private CountersUnavailableException corrupt(String what) {
        return new CountersUnavailableException(
                "the counters of process %d are damaged (%s); is it another version of transhume?".formatted(pid, what),
                false);
    }

    private Snapshot parse() throws CountersUnavailableException {
        CountersReader reader = new CountersReader(
                new UnsafeBuffer(bytes, CountersLayout.NAMES_AT, CountersLayout.NAMES_BYTES),
                new UnsafeBuffer(bytes, CountersLayout.VALUES_AT, CountersLayout.VALUES_BYTES),
                StandardCharsets.US_ASCII);
        checkLengths(reader);
        TreeMap<Long, Found> found = new TreeMap<>();
        reader.forEach((id, _, key, label) -> {
            Found migration = found.computeIfAbsent(
                    key.getLong(CountersLayout.KEY_MIGRATION),
                    _ -> new Found(name(key), key.getInt(CountersLayout.KEY_SIDE)));
            migration.add(key.getInt(CountersLayout.KEY_CHANNEL), label, reader.getCounterValue(id));
        });
        List<Migration> migrations = new ArrayList<>();
        found.forEach((number, migration) -> migrations.add(migration.end(number)));
        return new Snapshot(all.getLong(CountersLayout.PUBLISHED_AT), migrations);
    }

    private static String name(DirectBuffer key) {
        int length = Math.clamp(key.getInt(CountersLayout.KEY_NAME_LENGTH), 0, CountersLayout.MAX_NAME);
        return printable(key.getStringWithoutLengthAscii(CountersLayout.KEY_NAME, length));
    }

    /** Whatever another process calls itself goes to a terminal. */
    private static String printable(String text) {
        return text.replaceAll("[^ -~]", "?");
    }

    /** Agrona takes the length of a label as it stands. */
    private void checkLengths(CountersReader reader) throws CountersUnavailableException {
        for (int id = 0; id <= reader.maxCounterId(); id++) {
            int at = CountersReader.metaDataOffset(id) + CountersReader.LABEL_OFFSET;
            int length = reader.metaDataBuffer().getInt(at);
            if (length < 0 || length > CountersReader.MAX_LABEL_LENGTH) {
                throw corrupt("name of counter %d has %d bytes, expected 0..%d"
                        .formatted(id, length, CountersReader.MAX_LABEL_LENGTH));
            }
        }
    }

    private static final class Found {
        private final String name;
        private final int side;
        private final Map<String, Long> counters = new LinkedHashMap<>();
        private final TreeMap<Integer, long[]> channels = new TreeMap<>();

        Found(String name, int side) {
            this.name = name;
            this.side = side;
        }

        void add(int channel, String label, long value) {
            if (channel == CountersLayout.NO_CHANNEL) {
                counters.put(printable(label), value);
            } else {
                long[] bytes = channels.computeIfAbsent(channel, _ -> new long[2]);
                bytes[label.equals(Counter.CHANNEL_WRITTEN_BYTES.wireName()) ? 0 : 1] = value;
            }
        }

        Migration end(long number) {
            List<CounterValues.Channel> list = new ArrayList<>();
            channels.forEach((id, bytes) -> list.add(new CounterValues.Channel(id, bytes[0], bytes[1])));
            return new Migration(number, name, Side.of(side), counters, list);
        }
    }

    @Override
    public void close() {
        try {
            file.close();
        } catch (IOException e) {
            // It was only read.
        }
    }
}
