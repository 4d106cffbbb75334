package org.transhume.engine.counters;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.transhume.engine.ConnectionSet;
import org.transhume.engine.NothingLeft;
import org.transhume.memory.RamBlock;

/** Counters of this process, read as another process would read them. */
class CountersFileTest {
    private static final long PID = ProcessHandle.current().pid();
    private static final long NOBODY = 1L << 22; // above any pid_max there is
    private static final Duration LIMIT = Duration.ofSeconds(5);

    @RegisterExtension
    final NothingLeft nothingLeft = new NothingLeft();

    @TempDir
    Path folder;

    @Test
    void whatIsShownIsReadWithNamesAndChannels() throws Exception {
        try (CountersFile file = CountersFile.open();
                CountersFile.Shown _ = file.show("guest 7", () -> values(Side.SOURCE, 100));
                CountersFile.Shown _ = file.show("incoming", () -> values(Side.DESTINATION, 500));
                CountersReading reading = CountersReading.of(PID)) {

            List<CountersReading.Migration> migrations = reading.read().migrations();

            assertEquals(
                    List.of("guest 7", "incoming"),
                    migrations.stream().map(CountersReading.Migration::name).toList());
            CountersReading.Migration source = migrations.getFirst();
            assertEquals(Side.SOURCE, source.side());
            assertEquals(Side.DESTINATION, migrations.getLast().side());
            for (Counter counter : Counter.of(Side.SOURCE)) {
                assertEquals(100 + counter.code, source.counters().get(counter.wireName()), counter.wireName());
            }
            assertEquals(Counter.of(Side.SOURCE).size(), source.counters().size());
            assertEquals(
                    List.of(
                            new CounterValues.Channel(ConnectionSet.MAIN, 101, 102),
                            new CounterValues.Channel(0, 103, 104)),
                    source.channels());
        }
    }

    @Test
    void valuesFollowTheMigrationByThemselves() throws Exception {
        AtomicLong base = new AtomicLong(1);
        try (CountersFile file = CountersFile.open();
                CountersFile.Shown _ = file.show("guest", () -> values(Side.SOURCE, base.get()));
                CountersReading reading = CountersReading.of(PID)) {
            base.set(7000);

            await("the new value", () -> rounds(reading) == 7000 + Counter.ROUNDS.code);
        }
    }

    @Test
    void aStrangerThatToldWhichChannelItIsIsNoStrangerAnyMore() throws Exception {
        AtomicInteger number = new AtomicInteger(ConnectionSet.UNKNOWN);
        try (CountersFile file = CountersFile.open();
                CountersFile.Shown _ = file.show(
                        "guest",
                        () -> counters(Side.DESTINATION, 1)
                                .channel(number.get(), 1, 2)
                                .build());
                CountersReading reading = CountersReading.of(PID)) {
            assertEquals(List.of(ConnectionSet.UNKNOWN), numbers(reading));

            number.set(ConnectionSet.MAIN);

            await("the channel", () -> numbers(reading).equals(List.of(ConnectionSet.MAIN)));
        }
    }

    @Test
    void aLookNeverMixesTwoPublications() throws Exception {
        AtomicLong base = new AtomicLong();
        try (CountersFile file = CountersFile.open();
                CountersFile.Shown _ = file.show("guest", () -> values(Side.SOURCE, base.addAndGet(1000)));
                CountersReading reading = CountersReading.of(PID)) {
            long deadline = System.nanoTime() + LIMIT.toNanos();
            long first = rounds(reading);

            while (rounds(reading) < first + 3000) {
                CountersReading.Migration look = reading.read().migrations().getFirst();
                long of = look.get(Counter.STATE) - Counter.STATE.code;
                for (Counter counter : Counter.of(Side.SOURCE)) {
                    assertEquals(of + counter.code, look.get(counter), counter.wireName());
                }
                assertTrue(System.nanoTime() < deadline, "nothing more is published");
            }
        }
    }

    @Test
    void whatIsTakenOutIsGoneAndItsPlaceIsUsedAgain() throws Exception {
        try (CountersFile file = CountersFile.open();
                CountersReading reading = CountersReading.of(PID)) {
            // More than there is room for, unless places are given back.
            for (int i = 0;
                    i < 3 * CountersLayout.CAPACITY / Counter.of(Side.SOURCE).size();
                    i++) {
                file.show("guest " + i, () -> values(Side.SOURCE, 1)).close();
            }

            assertEquals(List.of(), reading.read().migrations());
        }
    }

    @Test
    void aFullFileSaysSoAndShowsOnWhatItHas() throws Exception {
        try (CountersFile file = CountersFile.open();
                CountersReading reading = CountersReading.of(PID)) {
            List<CountersFile.Shown> shown = new ArrayList<>();

            String message = assertThrows(IllegalStateException.class, () -> {
                        while (true) {
                            shown.add(file.show("guest", () -> values(Side.SOURCE, 1)));
                        }
                    })
                    .getMessage();

            assertTrue(message.contains("close those of migrations that have ended"), message);
            assertEquals(shown.size(), reading.read().migrations().size());
        }
    }

    @Test
    void aClosedFileIsGoneForItsReaderToo() throws Exception {
        CountersFile file = CountersFile.open();
        try (CountersReading reading = CountersReading.of(PID)) {
            file.close();

            assertTrue(assertThrows(CountersUnavailableException.class, reading::read)
                    .gone());
        }
        assertThrows(CountersUnavailableException.class, () -> CountersReading.of(PID));
        assertThrows(IllegalStateException.class, () -> file.show("late", () -> values(Side.SOURCE, 1)));
    }

    @Test
    void aProcessThatIsNotThereOrShowsNothingIsToldApart() {
        CountersUnavailableException nobody =
                assertThrows(CountersUnavailableException.class, () -> CountersReading.of(NOBODY));
        CountersUnavailableException silent =
                assertThrows(CountersUnavailableException.class, () -> CountersReading.of(PID));

        assertTrue(nobody.getMessage().startsWith("no process " + NOBODY), nobody.getMessage());
        assertTrue(silent.getMessage().contains("shows no counters"), silent.getMessage());
    }

    @Test
    void ramThatBearsTheNameOfTheFileIsPassedOver() throws Exception {
        try (RamBlock ram = RamBlock.memfd(CountersLayout.FILE_NAME, CountersLayout.BYTES)) {
            ram.segment().fill((byte) 0x5a);

            assertThrows(CountersUnavailableException.class, () -> CountersReading.of(PID));

            try (CountersFile file = CountersFile.open();
                    CountersFile.Shown _ = file.show("guest", () -> values(Side.SOURCE, 1));
                    CountersReading reading = CountersReading.of(PID)) {
                assertEquals(1, reading.read().migrations().size());
            }
        }
    }

    @Test
    void aTruncatedFileIsRefused() throws Exception {
        Path path = folder.resolve("counters");
        write(path, new byte[CountersLayout.VALUES_AT]);
        try (FileChannel file = FileChannel.open(path, StandardOpenOption.READ);
                CountersReading reading = new CountersReading(PID, () -> true, file)) {

            String message = assertThrows(CountersUnavailableException.class, reading::read)
                    .getMessage();

            assertTrue(message.contains("it ends at byte " + CountersLayout.VALUES_AT), message);
        }
    }

    @Test
    void oneThatStoppedInTheMiddleOfAPublicationIsToldFromADamagedOne() throws Exception {
        byte[] bytes = new byte[CountersLayout.BYTES];
        ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder()).putLong(CountersLayout.SEQUENCE_AT, 3);
        Path path = folder.resolve("counters");
        write(path, bytes);
        try (FileChannel file = FileChannel.open(path, StandardOpenOption.READ);
                CountersReading reading = new CountersReading(PID, () -> true, file)) {

            String message = assertThrows(CountersUnavailableException.class, reading::read)
                    .getMessage();

            assertTrue(message.contains("is it stopped?"), message);
        }
    }

    @Test
    void whateverElseIsInItDoesNoHarm() throws Exception {
        byte[] sound = soundFile();
        Path path = folder.resolve("counters");
        long seed = System.nanoTime();
        Random random = new Random(seed);
        int refused = 0;
        for (int i = 0; i < 300; i++) {
            byte[] bytes = sound.clone();
            for (int damage = 1 + random.nextInt(20); damage > 0; damage--) {
                // In the names of the first counters, where all numbers are that anybody goes by.
                int at = CountersLayout.NAMES_AT + random.nextInt(4 * 512);
                bytes[at] = (byte) random.nextInt();
            }
            write(path, bytes);
            try (FileChannel file = FileChannel.open(path, StandardOpenOption.READ);
                    CountersReading reading = new CountersReading(PID, () -> true, file)) {
                reading.read().migrations().forEach(migration -> {
                    assertTrue(migration.name().matches("[ -~]*"), "seed " + seed + ": " + migration.name());
                    migration.counters().keySet().forEach(name -> assertTrue(name.matches("[ -~]*"), "seed " + seed));
                });
            } catch (CountersUnavailableException e) {
                assertFalse(e.gone());
                refused++;
            } catch (RuntimeException e) {
                throw new AssertionError("seed " + seed + ", try " + i, e);
            }
        }
        assertTrue(refused > 0, "none of it mattered, seed " + seed);
    }

    private static byte[] soundFile() throws Exception {
        try (CountersFile file = CountersFile.open();
                CountersFile.Shown _ = file.show("guest", () -> values(Side.SOURCE, 1));
                FileChannel memfd = FileChannel.open(descriptor(), StandardOpenOption.READ)) {
            ByteBuffer bytes = ByteBuffer.allocate(CountersLayout.BYTES);
            while (bytes.hasRemaining()) {
                assertTrue(memfd.read(bytes, bytes.position()) > 0);
            }
            // It may have been taken while values were written.
            bytes.order(ByteOrder.nativeOrder()).putLong(CountersLayout.SEQUENCE_AT, 2);
            return bytes.array();
        }
    }

    private static Path descriptor() throws IOException {
        try (Stream<Path> all = Files.list(Path.of("/proc/self/fd"))) {
            return all.filter(CountersFileTest::isCounters).findFirst().orElseThrow();
        }
    }

    private static boolean isCounters(Path descriptor) {
        try {
            return Files.readSymbolicLink(descriptor).toString().contains(CountersLayout.FILE_NAME);
        } catch (IOException e) {
            return false; // that of the listing
        }
    }

    private static void write(Path path, byte[] bytes) throws IOException {
        Files.write(path, bytes);
    }

    private static long rounds(CountersReading reading) throws CountersUnavailableException {
        return reading.read().migrations().getFirst().get(Counter.ROUNDS);
    }

    private static List<Integer> numbers(CountersReading reading) throws CountersUnavailableException {
        return reading.read().migrations().getFirst().channels().stream()
                .map(CounterValues.Channel::number)
                .toList();
    }

    /** Each counter is {@code base} and its code. */
    private static CounterValues values(Side side, long base) {
        return counters(side, base)
                .channel(ConnectionSet.MAIN, base + 1, base + 2)
                .channel(0, base + 3, base + 4)
                .build();
    }

    private static CounterValues.Builder counters(Side side, long base) {
        CounterValues.Builder values = CounterValues.of(side);
        Counter.of(side).forEach(counter -> values.with(counter, base + counter.code));
        return values;
    }

    private static void await(String what, Callable<Boolean> condition) throws Exception {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (!condition.call()) {
            assertTrue(System.nanoTime() < deadline, "still no " + what);
            LockSupport.parkNanos(1_000_000);
        }
    }
}
