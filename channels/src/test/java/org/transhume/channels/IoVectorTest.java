package org.transhume.channels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class IoVectorTest {
    private final Arena arena = Arena.ofConfined();
    private final MemorySegment memory = arena.allocate(100);
    private final IoVector vector = new IoVector(2);

    @AfterEach
    void free() {
        vector.close();
        arena.close();
    }

    @Test
    void neighboursInMemoryAreOnePiece() {
        vector.add(memory, 0, 10);
        vector.add(memory.asSlice(10), 0, 5);

        assertEquals(1, vector.size());
        assertEquals(15, vector.bytes());
    }

    @Test
    void aFullVectorTakesANeighbourButNothingElse() {
        vector.add(memory, 0, 10);
        vector.add(memory, 20, 10);

        boolean neighbour = vector.add(memory, 30, 5);
        boolean stranger = vector.add(memory, 50, 5);
        boolean nothing = vector.add(memory, 50, 0);

        assertTrue(neighbour);
        assertFalse(stranger);
        assertTrue(nothing);
        assertEquals(25, vector.bytes());
    }

    @Test
    void advanceStopsInTheMiddleOfAPiece() {
        vector.add(memory, 0, 10);
        vector.add(memory, 20, 10);

        vector.advance(13);

        assertEquals(1, vector.size());
        assertEquals(7, vector.bytes());
        assertEquals(memory.address() + 23, vector.first().address());
        assertEquals(7, vector.first().byteSize());
    }

    @Test
    void advanceToTheEndMakesRoomForAsManyAgain() {
        vector.add(memory, 0, 10);
        vector.add(memory, 20, 10);

        vector.advance(20);

        assertEquals(0, vector.size());
        assertTrue(vector.add(memory, 40, 1) && vector.add(memory, 60, 1));
    }

    @Test
    void refusesWhatItCannotHold() {
        assertThrows(IllegalArgumentException.class, () -> new IoVector(0));
        assertThrows(IllegalArgumentException.class, () -> new IoVector(1025));
        assertThrows(IndexOutOfBoundsException.class, () -> vector.add(memory, 91, 10));
        assertThrows(IllegalArgumentException.class, () -> vector.add(MemorySegment.ofArray(new byte[1]), 0, 1));
        assertThrows(IllegalArgumentException.class, () -> vector.advance(1));
    }

    @Test
    void aClosedVectorIsRefusedBeforeTheKernelSeesIt() {
        vector.close();

        assertThrows(IllegalStateException.class, vector::address);
        assertThrows(IllegalStateException.class, () -> vector.add(memory, 0, 10));
    }
}
