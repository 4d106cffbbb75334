package org.transhume.engine.digest;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.transhume.codec.PageHash;
import org.transhume.engine.MigrationException;
import org.transhume.memory.Access;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.PageSize;
import org.transhume.memory.RamBlock;

/** Two digests of the same blocks: one of what was sent, one of what came. */
class RamDigestTest {
    private static final long SEED = 20261121;
    private static final int PAGES = 1300; // two groups and a part of a third
    private static final long SIZE = (long) PAGES * PageSize.BYTES;

    @Test
    void whatCameAsItWasSentIsFoundToBeEqualHoweverOftenItWasSent() {
        Random random = new Random(SEED);
        try (Sides sides = new Sides()) {
            for (int i = 0; i < 20_000; i++) {
                int block = random.nextInt(2);
                long offset = (long) random.nextInt(PAGES) * PageSize.BYTES;
                if (random.nextInt(4) == 0) {
                    sides.sender.zero(block, offset);
                    sides.loader.zero(block, offset);
                } else {
                    MemorySegment page = noise(random);
                    sides.sender.copy(block, offset, page, 0);
                    sides.loader.copy(block, offset, page, 0);
                }
            }

            assertDoesNotThrow(sides::compare);
            assertEquals(sides.sent.hashed(), sides.loaded.hashed());
        }
    }

    @Test
    void onePageThatDiffersIsNamedWhereverItIs() {
        Random random = new Random(SEED);
        for (int page = 0; page < PAGES; page += 7) {
            try (Sides sides = new Sides()) {
                sides.moveAll(random);
                sides.loader.copy(1, (long) page * PageSize.BYTES, noise(random), 0);

                String refusal =
                        assertThrows(MigrationException.class, sides::compare).getMessage();

                assertTrue(
                        refusal.startsWith("RAM is not what was sent: the page at 0x%x of block 'second' differs;"
                                .formatted(page * PageSize.BYTES)),
                        refusal);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "3,   4,    'what 0x0 to 0x1fffff of block ''first'' hold differs, the first of 2 or more;'",
        "513, 1023, 'what 0x200000 to 0x3fffff of block ''first'' hold differs, the first of 2 or more;'",
        "1024, 1299, 'what 0x400000 to 0x513fff of block ''first'' hold differs, the first of 2 or more;'",
        "511, 512,  'the page at 0x1ff000 of block ''first'' differs, the first of 2 or more;'",
    })
    void ofSeveralTheFirstGroupIsNamed(int one, int other, String named) {
        Random random = new Random(SEED);
        try (Sides sides = new Sides()) {
            sides.moveAll(random);
            sides.loader.copy(0, (long) one * PageSize.BYTES, noise(random), 0);
            sides.loader.copy(0, (long) other * PageSize.BYTES, noise(random), 0);

            String refusal =
                    assertThrows(MigrationException.class, sides::compare).getMessage();

            assertTrue(refusal.contains(named), refusal);
        }
    }

    @Test
    void pagesThatChangedPlacesAreFound() {
        Random random = new Random(SEED);
        MemorySegment one = noise(random);
        MemorySegment other = noise(random);
        try (Sides sides = new Sides()) {
            sides.sender.copy(0, 0, one, 0);
            sides.sender.copy(0, PageSize.BYTES, other, 0);
            sides.loader.copy(0, 0, other, 0);
            sides.loader.copy(0, PageSize.BYTES, one, 0);

            assertThrows(MigrationException.class, sides::compare);
        }
    }

    @Test
    void aPageThatIsLostAndOneThatCameFromNowhereAreFound() {
        Random random = new Random(SEED);
        try (Sides sides = new Sides()) {
            sides.sender.copy(0, PageSize.BYTES, noise(random), 0);
            sides.loader.copy(1, PageSize.BYTES, noise(random), 0);

            String refusal =
                    assertThrows(MigrationException.class, sides::compare).getMessage();

            assertTrue(refusal.contains("the page at 0x1000 of block 'first' differs, the first of 2"), refusal);
        }
    }

    @Test
    void anEarlierVersionThatCameTooLateIsFound() {
        Random random = new Random(SEED);
        MemorySegment early = noise(random);
        MemorySegment late = noise(random);
        try (Sides sides = new Sides()) {
            sides.sender.copy(0, 0, early, 0);
            sides.sender.copy(0, 0, late, 0);
            sides.loader.copy(0, 0, late, 0);
            sides.loader.copy(0, 0, early, 0);

            assertThrows(MigrationException.class, sides::compare);
        }
    }

    @Test
    void threadsThatShareAGroupLoseNothing() throws Exception {
        int threads = 4;
        try (Sides sides = new Sides()) {
            List<Thread> loading = new ArrayList<>();
            for (int t = 0; t < threads; t++) {
                int mine = t;
                loading.add(Thread.ofPlatform().start(() -> {
                    PageRecorder recorder = new PageRecorder(sides.loaded);
                    for (int version = 0; version < 20; version++) {
                        for (int page = mine; page < PAGES; page += threads) {
                            recorder.copy(0, (long) page * PageSize.BYTES, page(page * 100L + version), 0);
                        }
                        recorder.flush();
                    }
                }));
            }
            for (Thread thread : loading) {
                thread.join();
            }
            for (int page = 0; page < PAGES; page++) {
                sides.sender.copy(0, (long) page * PageSize.BYTES, page(page * 100L + 19), 0);
            }

            assertDoesNotThrow(sides::compare);
        }
    }

    @Test
    void aPageInPlaceIsHashedAsItsCopyAlsoWhereTheFileCouldBeCut() throws Exception {
        Path file = Files.createTempFile("ram", "");
        try (GuestMemory memory = new GuestMemory(
                        List.of(RamBlock.memfd("first", SIZE), RamBlock.file("second", file, SIZE, Access.SHARED)));
                RamDigest digest = new RamDigest(memory)) {
            MemorySegment page = noise(new Random(SEED));
            for (int block = 0; block < 2; block++) {
                memory.blocks().get(block).segment().asSlice(PageSize.BYTES).copyFrom(page);
            }
            PageRecorder recorder = new PageRecorder(digest);

            recorder.inPlace(0, PageSize.BYTES);
            recorder.inPlace(1, PageSize.BYTES);
            recorder.flush();

            List<Long> sums = new ArrayList<>();
            digest.groups((block, group, first, second) -> {
                sums.add(first);
                assertEquals(2 * first, second);
            });
            assertEquals(2, sums.size());
            assertEquals(sums.getFirst(), sums.getLast());
            assertEquals(PageHash.of(page, 0), sums.getFirst());
        } finally {
            Files.delete(file);
        }
    }

    private static MemorySegment noise(Random random) {
        return page(random.nextLong());
    }

    private static MemorySegment page(long seed) {
        MemorySegment page = MemorySegment.ofArray(new byte[PageSize.BYTES]);
        page.set(ValueLayout.JAVA_LONG_UNALIGNED, 8 * Math.floorMod(seed, 512L), seed | 1);
        return page;
    }

    private static final class Sides implements AutoCloseable {
        final GuestMemory memory =
                new GuestMemory(List.of(RamBlock.memfd("first", SIZE), RamBlock.memfd("second", SIZE)));
        final RamDigest sent = new RamDigest(memory);
        final RamDigest loaded = new RamDigest(memory);
        final PageRecorder sender = new PageRecorder(sent);
        final PageRecorder loader = new PageRecorder(loaded);

        void moveAll(Random random) {
            for (int block = 0; block < 2; block++) {
                for (int page = 0; page < PAGES; page++) {
                    MemorySegment bytes = noise(random);
                    sender.copy(block, (long) page * PageSize.BYTES, bytes, 0);
                    loader.copy(block, (long) page * PageSize.BYTES, bytes, 0);
                }
            }
        }

        void compare() {
            sender.flush();
            loader.flush();
            sent.groups(loaded::expect);
            loaded.verify();
        }

        @Override
        public void close() {
            try (memory;
                    sent) {
                loaded.close();
            }
        }
    }
}
