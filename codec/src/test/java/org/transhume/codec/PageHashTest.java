package org.transhume.codec;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** One contract for both implementations, and that they give the same. */
class PageHashTest {
    private static final int PAGE = PageHash.BYTES;
    private static final int BITS = PAGE * Byte.SIZE;

    enum Implementation {
        CHOSEN {
            @Override
            long of(MemorySegment memory, long at) {
                return PageHash.of(memory, at);
            }
        },
        PLAIN {
            @Override
            long of(MemorySegment memory, long at) {
                return PageHash.plainlyOf(memory, at);
            }
        };

        abstract long of(MemorySegment memory, long at);
    }

    enum Content {
        ZEROES,
        ONES,
        NOISE,
        TEXT
    }

    @ParameterizedTest
    @EnumSource
    void everySingleBitChangesItAndNoTwoOfThemAlike(Content content) {
        MemorySegment page = page(content, 7);
        Set<Long> seen = new HashSet<>();
        seen.add(PageHash.of(page, 0));

        for (int bit = 0; bit < BITS; bit++) {
            flip(page, bit);
            long hash = PageHash.of(page, 0);
            assertTrue(seen.add(hash), "bit %d of %s: 0x%x came before".formatted(bit, content, hash));
            flip(page, bit);
        }

        assertEquals(BITS + 1, seen.size());
    }

    /** Two equal flips in words of one lane are what a hash by multiplication alone would not see. */
    @ParameterizedTest
    @EnumSource
    void pairsOfEqualFlipsDoNotCancel(Content content) {
        MemorySegment page = page(content, 8);
        long whole = PageHash.of(page, 0);

        for (int bit = 0; bit < Long.SIZE; bit++) {
            for (int word = 1; word < PAGE / Long.BYTES; word++) {
                flip(page, bit);
                flip(page, word * Long.SIZE + bit);
                assertNotEquals(whole, PageHash.of(page, 0), "bit %d of words 0 and %d".formatted(bit, word));
                flip(page, bit);
                flip(page, word * Long.SIZE + bit);
            }
        }
    }

    @Test
    void aBitThatFlipsFlipsHalfOfThem() {
        MemorySegment page = page(Content.NOISE, 9);
        long whole = PageHash.of(page, 0);
        int[] flips = new int[Long.SIZE];

        for (int bit = 0; bit < BITS; bit++) {
            flip(page, bit);
            long changed = whole ^ PageHash.of(page, 0);
            for (int i = 0; i < Long.SIZE; i++) {
                flips[i] += (int) (changed >>> i & 1);
            }
            flip(page, bit);
        }

        for (int i = 0; i < Long.SIZE; i++) {
            assertEquals(0.5, (double) flips[i] / BITS, 0.02, "bit %d of the hash".formatted(i));
        }
    }

    @Test
    void wordsThatChangePlacesChangeIt() {
        MemorySegment page = page(Content.NOISE, 10);
        long whole = PageHash.of(page, 0);

        for (int word = 1; word < PAGE / Long.BYTES; word++) {
            swap(page, 0, word);
            assertNotEquals(whole, PageHash.of(page, 0), "words 0 and " + word);
            swap(page, 0, word);
        }
    }

    @ParameterizedTest
    @EnumSource
    void ofZeroesItIsZeroWhateverSurroundsThem(Implementation hash) {
        MemorySegment memory =
                MemorySegment.ofArray(new long[3 * PAGE / Long.BYTES]).fill((byte) 0xff);
        memory.asSlice(PAGE, PAGE).fill((byte) 0);

        assertEquals(0, hash.of(memory, PAGE));
        assertNotEquals(0, hash.of(memory, PAGE - 1));
        assertNotEquals(0, hash.of(memory, PAGE + 1));
    }

    @Test
    void vectorsGiveWhatPlainLoadsGive() {
        assumeTrue(ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent());
        long seed = System.nanoTime();
        Random random = new Random(seed);

        for (int i = 0; i < 2_000; i++) {
            MemorySegment memory = page(Content.values()[i % 4], random.nextLong());
            flip(memory, random.nextInt(BITS));
            assertEquals(
                    PlainPageHash.sum(memory, 0),
                    VectorPageHash.sum(memory, 0),
                    "seed %d, round %d".formatted(seed, i));
        }
    }

    /** It travels: another program computes these (docs/wire.md). */
    @ParameterizedTest
    @EnumSource
    void knownPagesHaveTheirKnownHash(Implementation hash) {
        MemorySegment counting = MemorySegment.ofArray(new byte[PAGE]);
        for (int i = 0; i < PAGE; i++) {
            counting.set(ValueLayout.JAVA_BYTE, i, (byte) i);
        }
        MemorySegment one = MemorySegment.ofArray(new byte[PAGE]);
        one.set(ValueLayout.JAVA_BYTE, 0, (byte) 1);

        assertEquals(0x708d3ada7c110a69L, hash.of(counting, 0));
        assertEquals(0x9afc5a633f768f8eL, hash.of(one, 0));
    }

    @ParameterizedTest
    @EnumSource
    void readsNothingBeyondTheSegment(Implementation hash) {
        MemorySegment memory = MemorySegment.ofArray(new byte[PAGE]);

        assertThrows(IndexOutOfBoundsException.class, () -> hash.of(memory, 1));
        assertThrows(IndexOutOfBoundsException.class, () -> hash.of(memory, -1));
    }

    private static MemorySegment page(Content content, long seed) {
        byte[] bytes = new byte[PAGE];
        switch (content) {
            case ZEROES -> {}
            case ONES -> java.util.Arrays.fill(bytes, (byte) 0xff);
            case NOISE -> new Random(seed).nextBytes(bytes);
            case TEXT -> {
                for (int i = 0; i < PAGE; i++) {
                    bytes[i] = (byte) "the quick brown fox ".charAt(i % 20);
                }
            }
        }
        return MemorySegment.ofArray(bytes);
    }

    private static void flip(MemorySegment page, int bit) {
        byte old = page.get(ValueLayout.JAVA_BYTE, bit / 8);
        page.set(ValueLayout.JAVA_BYTE, bit / 8, (byte) (old ^ 1 << (bit & 7)));
    }

    private static void swap(MemorySegment page, int one, int other) {
        long first = page.get(ValueLayout.JAVA_LONG_UNALIGNED, 8L * one);
        page.set(ValueLayout.JAVA_LONG_UNALIGNED, 8L * one, page.get(ValueLayout.JAVA_LONG_UNALIGNED, 8L * other));
        page.set(ValueLayout.JAVA_LONG_UNALIGNED, 8L * other, first);
    }
}
