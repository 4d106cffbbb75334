package org.transhume.channels;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What holds for every connection whose bytes come out while others still go in. */
@ExtendWith(GivesBackEverything.class)
interface ConnectionContract {

    /** Two ends; what goes into the one comes out of the other. They may be the same, where the peer echoes. */
    record Wire(Connection writer, Connection reader) implements AutoCloseable {
        @Override
        public void close() {
            writer.close();
            reader.close();
        }
    }

    Wire wire() throws IOException;

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    default void anyBytesSurviveInAnyPieces(long seed) throws Exception {
        Random random = new Random(seed);
        int length = 1 + random.nextInt(3_000_000);
        try (Wire wire = wire();
                Arena arena = Arena.ofShared()) {
            MemorySegment sent = anyBytes(arena, random, length);
            MemorySegment received = arena.allocate(length);

            OtherThread writer = new OtherThread(() -> {
                writeInPieces(wire.writer(), sent, new Random(seed + 100));
                wire.writer().finishWriting();
                return null;
            });
            long read = readInPieces(wire.reader(), received, new Random(seed + 200));

            assertAll(
                    "seed " + seed,
                    () -> assertNull(writer.failureWithin(10_000)),
                    () -> assertEquals(-1, sent.mismatch(received)),
                    () -> assertEquals(length, read),
                    () -> assertEquals(length, wire.writer().bytesWritten()),
                    () -> assertEquals(length, wire.reader().bytesRead()),
                    () -> assertEquals(-1, wire.reader().read(received, 0, 1)));
        }
    }

    @Test
    default void writesMorePiecesThanOneCallTakes() throws Exception {
        int pieces = 3 * IoVector.MAX_CAPACITY + 7;
        try (Wire wire = wire();
                Arena arena = Arena.ofShared();
                IoVector vector = new IoVector(IoVector.MAX_CAPACITY)) {
            MemorySegment sent = anyBytes(arena, new Random(1), 2 * pieces);
            MemorySegment received = arena.allocate(pieces);

            OtherThread writer = new OtherThread(() -> {
                for (int i = 0; i < pieces; i++) { // every other byte: never neighbours
                    if (!vector.add(sent, 2L * i, 1)) {
                        wire.writer().write(vector);
                        vector.add(sent, 2L * i, 1);
                    }
                }
                wire.writer().write(vector);
                return vector.size();
            });
            readFully(wire.reader(), received);

            assertEquals(0, writer.result());
            for (int i = 0; i < pieces; i++) {
                assertEquals(byteAt(sent, 2L * i), byteAt(received, i));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    default void gathersAndScattersPiecesOfAnyLengthThatAreNoNeighbours(long seed) throws Exception {
        Random random = new Random(seed);
        try (Wire wire = wire();
                Arena arena = Arena.ofShared();
                IoVector gather = new IoVector(100);
                IoVector scatter = new IoVector(70)) {
            MemorySegment sent = anyBytes(arena, random, 1_000_000);
            MemorySegment received = arena.allocate(1_000_000);
            MemorySegment sentInOrder = pieces(arena, gather, sent, new Random(seed + 1), 30_000);
            MemorySegment receivedInOrder;

            OtherThread writer = new OtherThread(() -> {
                wire.writer().write(gather);
                return gather.bytes();
            });
            pieces(arena, scatter, received, new Random(seed + 2), 30_000);
            while (scatter.size() > 0) {
                assertTrue(wire.reader().read(scatter) > 0);
            }
            receivedInOrder = pieces(arena, scatter, received, new Random(seed + 2), 30_000);

            assertEquals(0L, writer.result());
            assertEquals(-1, sentInOrder.mismatch(receivedInOrder), "seed " + seed);
        }
    }

    /** Fills the vector with {@code bytes} of {@code all}, a gap before each piece; returns what the pieces hold now. */
    private static MemorySegment pieces(Arena arena, IoVector vector, MemorySegment all, Random random, int bytes) {
        MemorySegment joined = arena.allocate(bytes);
        long at = 0;
        for (int done = 0; done < bytes; ) {
            boolean last = vector.size() == 69;
            int n = last ? bytes - done : Math.min(bytes - done, 1 + random.nextInt(1000));
            at += 1 + random.nextInt(1000);
            assertTrue(vector.add(all, at, n));
            MemorySegment.copy(all, at, joined, done, n);
            at += n;
            done += n;
        }
        return joined;
    }

    @Test
    default void closeWakesABlockedReader() throws Exception {
        try (Wire wire = wire();
                Arena arena = Arena.ofShared()) {
            MemorySegment buffer = arena.allocate(10);
            OtherThread reader = new OtherThread(() -> wire.reader().read(buffer, 0, 10));
            reader.awaitBlocked();

            wire.reader().close();

            assertInstanceOf(ConnectionClosedException.class, reader.failureWithin(1000));
        }
    }

    @Test
    default void closeWakesABlockedWriter() throws Exception {
        try (Wire wire = wire();
                Arena arena = Arena.ofShared()) {
            MemorySegment large = arena.allocate(64 << 20);
            OtherThread writer = new OtherThread(() -> {
                wire.writer().write(large, 0, large.byteSize());
                return null;
            });
            writer.awaitBlocked();

            wire.writer().close();

            assertInstanceOf(ConnectionClosedException.class, writer.failureWithin(1000));
        }
    }

    @Test
    @SuppressWarnings("try") // closes early on purpose
    default void aClosedConnectionRefusesEveryUse() throws Exception {
        try (Wire wire = wire();
                Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(10);

            wire.close();
            wire.close();

            assertThrows(ConnectionClosedException.class, () -> wire.reader().read(buffer, 0, 10));
            assertThrows(ConnectionClosedException.class, () -> wire.writer().write(buffer, 0, 10));
            assertThrows(ConnectionClosedException.class, () -> wire.reader().awaitReadable(0));
        }
    }

    @Test
    default void tellsWhetherSomethingCameWithoutReadingIt() throws Exception {
        try (Wire wire = wire();
                Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(10);

            boolean before = wire.reader().awaitReadable(0);
            boolean stillNot = wire.reader().awaitReadable(20);
            wire.writer().write(buffer, 0, 3);
            boolean after = wire.reader().awaitReadable(10_000);

            assertFalse(before);
            assertFalse(stillNot);
            assertTrue(after);
            assertEquals(3, wire.reader().read(buffer, 0, 10));
        }
    }

    @Test
    default void refusesMemoryWithoutAFixedAddressAndRangesOutsideIt() throws Exception {
        try (Wire wire = wire();
                Arena arena = Arena.ofConfined()) {
            MemorySegment ten = arena.allocate(10);
            MemorySegment heap = MemorySegment.ofArray(new byte[10]);

            assertThrows(IllegalArgumentException.class, () -> wire.writer().write(heap, 0, 10));
            assertThrows(IllegalArgumentException.class, () -> wire.reader().read(heap, 0, 10));
            assertThrows(IllegalArgumentException.class, () -> wire.reader().read(ten.asReadOnly(), 0, 10));
            assertThrows(IndexOutOfBoundsException.class, () -> wire.writer().write(ten, 1, 10));
            assertThrows(IndexOutOfBoundsException.class, () -> wire.reader().read(ten, -1, 5));
            assertEquals(0, wire.writer().bytesWritten());
        }
    }

    static MemorySegment anyBytes(Arena arena, Random random, int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return arena.allocate(length).copyFrom(MemorySegment.ofArray(bytes));
    }

    static byte byteAt(MemorySegment s, long at) {
        return s.get(java.lang.foreign.ValueLayout.JAVA_BYTE, at);
    }

    static void readFully(Connection from, MemorySegment into) throws IOException {
        for (long at = 0; at < into.byteSize(); ) {
            int n = from.read(into, at, (int) (into.byteSize() - at));
            assertTrue(n > 0, "the stream ended early");
            at += n;
        }
    }

    private static void writeInPieces(Connection to, MemorySegment all, Random random) throws IOException {
        try (IoVector vector = new IoVector(1 + random.nextInt(50))) {
            for (long at = 0; at < all.byteSize(); ) {
                if (random.nextInt(4) == 0) {
                    long n = Math.min(all.byteSize() - at, random.nextInt(100_000));
                    to.write(all, at, n);
                    at += n;
                    continue;
                }
                for (int i = random.nextInt(100); i > 0; i--) {
                    long n = Math.min(all.byteSize() - at, random.nextInt(10_000));
                    if (!vector.add(all, at, n)) {
                        break;
                    }
                    at += n;
                }
                to.write(vector);
            }
        }
    }

    private static long readInPieces(Connection from, MemorySegment all, Random random) throws IOException {
        long at = 0;
        try (IoVector vector = new IoVector(20)) {
            while (at < all.byteSize()) {
                long left = all.byteSize() - at;
                long n;
                if (random.nextBoolean()) {
                    n = from.read(all, at, (int) Math.min(left, 1 + random.nextInt(50_000)));
                } else {
                    vector.clear();
                    for (long end = at; end < all.byteSize() && (vector.size() == 0 || random.nextInt(5) > 0); ) {
                        long piece = Math.min(all.byteSize() - end, 1 + random.nextInt(5000));
                        vector.add(all, end, piece);
                        end += piece;
                    }
                    long wanted = vector.bytes();
                    n = from.read(vector);
                    assertEquals(wanted - Math.max(n, 0), vector.bytes());
                }
                if (n < 0) {
                    return at;
                }
                at += n;
            }
        }
        return at;
    }
}
