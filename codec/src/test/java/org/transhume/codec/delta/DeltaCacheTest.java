package org.transhume.codec.delta;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DeltaCacheTest {
    private static final int SLOTS = 8;
    private static final long MIB = 1 << 20;

    private final Arena arena = Arena.ofShared();
    private final Sender sender = new Sender(DeltaCache.allocate(SLOTS * Page.BYTES));

    @AfterEach
    void close() {
        sender.cache.close();
        arena.close();
    }

    @Test
    void missesAPageFirstAndKnowsItThen() {
        assertEquals(DeltaCache.MISS, sender.send(3, 1, filled(1), true));
        assertEquals(DeltaCache.UNCHANGED, sender.send(3, 1, filled(1), true));
        assertEquals(4, sender.send(3, 2, with(filled(1), 200, 9), true));
        assertEquals(DeltaCache.UNCHANGED, sender.send(3, 2, with(filled(1), 200, 9), true));
    }

    @Test
    void remembersWhatWentOutWholeAfterAnOverflow() {
        sender.send(3, 1, filled(1), true);

        assertEquals(DeltaCache.OVERFLOW, sender.send(3, 2, filled(2), true));
        assertEquals(DeltaCache.UNCHANGED, sender.send(3, 2, filled(2), true));
    }

    @Test
    void keepsAnEntryThatWasUsedInThisRoundOrTheOneBefore() {
        sender.send(3, 1, filled(1), true);

        assertEquals(DeltaCache.MISS, sender.send(3 + SLOTS, 2, filled(2), true));
        assertEquals(DeltaCache.UNCHANGED, sender.send(3, 2, filled(1), true)); // refreshes its age
        assertEquals(DeltaCache.MISS, sender.send(3 + SLOTS, 3, filled(2), true));
        assertEquals(DeltaCache.MISS, sender.send(3 + SLOTS, 4, filled(2), true)); // and now it takes the slot
        assertEquals(DeltaCache.UNCHANGED, sender.send(3 + SLOTS, 4, filled(2), true));
        assertEquals(DeltaCache.MISS, sender.send(3, 4, filled(1), true));
    }

    @Test
    void findsAPageSentAsZero() {
        sender.send(3, 1, filled(1), true);
        sender.cache.zero(3, 2);
        sender.cache.zero(4, 2);

        assertEquals(4, sender.send(3, 2, with(filled(0), 200, 9), true));
        assertEquals(DeltaCache.UNCHANGED, sender.send(4, 2, filled(0), true));
    }

    @Test
    void forgetsThePageAskedForAndNoOther() {
        sender.send(3, 1, filled(1), true);
        sender.cache.forget(3 + SLOTS);

        assertEquals(DeltaCache.UNCHANGED, sender.send(3, 1, filled(1), true));

        sender.cache.forget(3);

        assertEquals(DeltaCache.MISS, sender.send(3 + SLOTS, 1, filled(2), true)); // takes the empty slot at once
        assertEquals(DeltaCache.UNCHANGED, sender.send(3 + SLOTS, 1, filled(2), true));
    }

    @Test
    void remembersNothingInTheLastStage() {
        sender.send(3, 1, filled(1), true);

        assertEquals(DeltaCache.MISS, sender.send(4, 2, filled(1), false));
        assertEquals(DeltaCache.MISS, sender.send(4, 2, filled(1), false));
        assertEquals(DeltaCache.UNCHANGED, sender.send(3, 2, filled(1), false));
        assertEquals(4, sender.send(3, 2, with(filled(1), 200, 9), false));
        // Were its old copy still there, this would be a delta that the receiver applies to the wrong bytes.
        assertEquals(DeltaCache.MISS, sender.send(3, 2, with(filled(1), 200, 10), false));
    }

    @Test
    void takesPageNumbersOfAnySize() {
        long page = (1L << 52) - 1;

        assertEquals(DeltaCache.MISS, sender.send(page, 1, filled(1), true));
        assertEquals(DeltaCache.UNCHANGED, sender.send(page, 1, filled(1), true));
        assertEquals(DeltaCache.MISS, sender.send(0, 1, filled(1), true));
        assertEquals(DeltaCache.UNCHANGED, sender.send(0, 1, filled(1), true));
    }

    @Test
    void unlocksTheSlotAfterAFailure() {
        sender.send(3, 1, filled(1), true);
        MemorySegment small = arena.allocate(Page.BYTES - 1);

        for (long page : new long[] {3, 4}) {
            assertThrows(
                    IndexOutOfBoundsException.class,
                    () -> sender.cache.encode(sender.encoder, page, 1, small, 0, true, sender.out, 0));
        }

        assertEquals(DeltaCache.UNCHANGED, sender.send(3, 1, filled(1), true));
        assertEquals(DeltaCache.MISS, sender.send(4, 1, filled(1), true));
    }

    @ParameterizedTest
    @ValueSource(longs = {-4096, 0, 1, 2048, 4095, 3 * 4096, 4097})
    void refusesSizesThatAreNoPowerOfTwo(long bytes) {
        IllegalArgumentException refused =
                assertThrows(IllegalArgumentException.class, () -> DeltaCache.allocate(bytes));

        assertTrue(refused.getMessage().contains("delta cache of " + bytes + " bytes"), refused.getMessage());
    }

    @Test
    void worksWithASingleSlot() {
        try (DeltaCache cache = DeltaCache.allocate(Page.BYTES)) {
            Sender single = new Sender(cache);

            assertEquals(Page.BYTES, cache.bytes());
            assertEquals(DeltaCache.MISS, single.send(7, 1, filled(1), true));
            assertEquals(DeltaCache.UNCHANGED, single.send(7, 1, filled(1), true));
        }
    }

    @Test
    void saysSoWhereTheSystemHasNoSuchMemory() {
        assertThrows(OutOfMemoryError.class, () -> DeltaCache.allocate(1L << 61));
    }

    @Test
    void touchesMemoryOnlyWherePagesAreAndGivesItBack() throws Exception {
        long bytes = 1024 * MIB;
        long sizeBefore = status("VmSize");
        long residentBefore = status("VmRSS");

        try (DeltaCache cache = DeltaCache.allocate(bytes)) {
            Sender one = new Sender(cache);
            for (int page = 0; page < 1000; page++) {
                one.send(page, 1, filled(1), true);
            }

            assertTrue(status("VmSize") - sizeBefore >= bytes, "it is there");
            assertTrue(status("VmRSS") - residentBefore < bytes / 4, "and hardly touched");
            assertEquals(DeltaCache.UNCHANGED, one.send(999, 1, filled(1), true));
        }

        assertTrue(status("VmSize") - sizeBefore < bytes / 2, "it is gone");
    }

    @Test
    void closesOnce() {
        DeltaCache cache = DeltaCache.allocate(SLOTS * Page.BYTES);

        cache.close();
        cache.close();

        assertEquals(SLOTS * Page.BYTES, cache.bytes());
    }

    /** Against the rules of the specification, told with maps; and a receiver that must always agree with the cache. */
    @Test
    void followsTheRulesAndAgreesWithTheReceiver() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        Model model = new Model();
        Map<Long, byte[]> guest = new HashMap<>();
        Map<Long, byte[]> receiver = new HashMap<>();
        long round = 1;
        for (int step = 0; step < 10_000; step++) {
            String where = "seed " + seed + ", step " + step;
            long page = random.nextInt(3 * SLOTS);
            byte[] fresh = guest.computeIfAbsent(page, _ -> PagePairs.page(random));
            if (random.nextInt(4) != 0) {
                fresh = PagePairs.changed(fresh, random);
                guest.put(page, fresh);
            }
            switch (random.nextInt(12)) {
                case 0 -> {
                    guest.put(page, filled(0));
                    sender.cache.zero(page, round);
                    receiver.put(page, filled(0));
                    model.zero(page, round);
                }
                case 1 -> {
                    sender.cache.forget(page);
                    receiver.put(page, fresh);
                    model.forget(page);
                }
                case 2 -> round += random.nextInt(3);
                default -> {
                    boolean update = random.nextInt(10) != 0;

                    int length = sender.send(page, round, fresh, update);

                    assertEquals(model.send(page, round, fresh, update), length, where);
                    receive(receiver, page, length, fresh, sender.out);
                    assertTrue(Arrays.equals(fresh, receiver.get(page)), where);
                }
            }
            if (step % 50 == 0) {
                assertCacheAgrees(model, receiver, round, where);
            }
        }
    }

    /** What is cached of a page, the receiver has: asked for the receiver's bytes, it says UNCHANGED or MISS. */
    private void assertCacheAgrees(Model model, Map<Long, byte[]> receiver, long round, String where) {
        for (Map.Entry<Long, byte[]> held : receiver.entrySet()) {
            int length = sender.send(held.getKey(), round, held.getValue(), false);

            assertEquals(model.send(held.getKey(), round, held.getValue(), false), length, where);
            assertTrue(length == DeltaCache.UNCHANGED || length == DeltaCache.MISS, where);
        }
    }

    /** Lanes whose pages meet in slots, a barrier between rounds, as in the engine; each page has one lane a round. */
    @Test
    void keepsTheReceiverRightUnderLanesThatMeetInSlots() throws Exception {
        long seed = System.nanoTime();
        int lanes = 4;
        int pages = 64;
        byte[][] receiver = new byte[pages][Page.BYTES];
        List<Integer> order = new ArrayList<>();
        for (int page = 0; page < pages; page++) {
            order.add(page);
        }
        Random random = new Random(seed);
        try (ExecutorService threads = Executors.newFixedThreadPool(lanes);
                DeltaCache cache = DeltaCache.allocate(4 * Page.BYTES)) {
            List<Sender> senders = new ArrayList<>();
            for (int lane = 0; lane < lanes; lane++) {
                senders.add(new Sender(cache));
            }
            for (int round = 1; round <= 150; round++) {
                Collections.shuffle(order, random);
                List<Future<?>> running = new ArrayList<>();
                for (int lane = 0; lane < lanes; lane++) {
                    List<Integer> own = List.copyOf(order.subList(lane * pages / lanes, (lane + 1) * pages / lanes));
                    Sender mine = senders.get(lane);
                    long now = round;
                    running.add(threads.submit(() -> sendAll(mine, own, now, receiver, seed)));
                }
                for (Future<?> lane : running) {
                    lane.get();
                }
                for (int page = 0; page < pages; page++) {
                    int length = senders.getFirst().send(page, round, receiver[page], false);
                    assertTrue(
                            length == DeltaCache.UNCHANGED || length == DeltaCache.MISS,
                            "seed %d, page %d: %d".formatted(seed, page, length));
                }
            }
        }
    }

    private void sendAll(Sender lane, List<Integer> pages, long round, byte[][] receiver, long seed) {
        Random random = new Random(seed ^ pages.hashCode() ^ round);
        Map<Long, byte[]> held = new HashMap<>();
        for (int page : pages) {
            byte[] fresh = random.nextInt(4) == 0 ? receiver[page] : PagePairs.changed(receiver[page], random);
            held.put((long) page, receiver[page]);
            switch (random.nextInt(8)) {
                case 0 -> {
                    lane.cache.zero(page, round);
                    fresh = filled(0);
                }
                case 1 -> lane.cache.forget(page);
                default -> {
                    int length = lane.send(page, round, fresh, random.nextInt(8) != 0);
                    receive(held, page, length, fresh, lane.out);
                    assertTrue(
                            Arrays.equals(fresh, held.get((long) page)),
                            () -> "seed %d, round %d, page %d".formatted(seed, round, page));
                }
            }
            receiver[page] = fresh;
        }
    }

    private static void receive(Map<Long, byte[]> receiver, long page, int length, byte[] fresh, MemorySegment out) {
        if (length == DeltaCache.MISS || length == DeltaCache.OVERFLOW) {
            receiver.put(page, fresh);
        } else if (length != DeltaCache.UNCHANGED) {
            byte[] held = receiver.get(page).clone();
            XbzrleDecoder.decode(out, 0, length, MemorySegment.ofArray(held), 0);
            receiver.put(page, held);
        }
    }

    private static byte[] filled(int value) {
        byte[] page = new byte[Page.BYTES];
        Arrays.fill(page, (byte) value);
        return page;
    }

    private static byte[] with(byte[] page, int at, int value) {
        page[at] = (byte) value;
        return page;
    }

    /** Kibibytes of /proc/self/status, in bytes. */
    private static long status(String field) throws Exception {
        return Files.readAllLines(Path.of("/proc/self/status")).stream()
                .filter(line -> line.startsWith(field + ":"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024)
                .findFirst()
                .orElseThrow();
    }

    /** A lane: its encoder, its copy of the page, its buffer. */
    private final class Sender {
        final DeltaCache cache;
        final XbzrleEncoder encoder = new XbzrleEncoder();
        final MemorySegment fresh = arena.allocate(Page.BYTES);
        final MemorySegment out = arena.allocate(XbzrleEncoder.ROOM);

        Sender(DeltaCache cache) {
            this.cache = cache;
        }

        int send(long page, long round, byte[] bytes, boolean update) {
            MemorySegment.copy(bytes, 0, fresh, ValueLayout.JAVA_BYTE, 0, Page.BYTES);
            return cache.encode(encoder, page, round, fresh, 0, update, out, 0);
        }
    }

    /** The rules of stream.md §3.2, one map entry a slot. */
    private static final class Model {
        @SuppressWarnings("ArrayRecordComponent") // never compared
        private record Entry(long page, long age, byte[] bytes) {}

        private final Map<Long, Entry> slots = new HashMap<>();

        int send(long page, long round, byte[] fresh, boolean update) {
            Entry entry = slots.get(page % SLOTS);
            if (entry == null || entry.page != page) {
                if (update) {
                    insert(page, round, fresh);
                }
                return DeltaCache.MISS;
            }
            byte[] delta = NaiveXbzrle.encode(entry.bytes, fresh);
            boolean unchanged = delta != null && delta.length == 0;
            if (update) {
                slots.put(page % SLOTS, new Entry(page, round, unchanged ? entry.bytes : fresh));
            } else if (!unchanged) {
                slots.remove(page % SLOTS);
            }
            return delta == null ? DeltaCache.OVERFLOW : delta.length;
        }

        void zero(long page, long round) {
            insert(page, round, filled(0));
        }

        void forget(long page) {
            slots.computeIfPresent(page % SLOTS, (_, entry) -> entry.page == page ? null : entry);
        }

        private void insert(long page, long round, byte[] bytes) {
            Entry entry = slots.get(page % SLOTS);
            if (entry == null || entry.page == page || entry.age + 2 <= round) {
                slots.put(page % SLOTS, new Entry(page, round, bytes));
            }
        }
    }
}
