package org.transhume.memory;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Scanner;
import org.junit.jupiter.api.Test;

class NativeHeapTest {
    private static final int PIECE = 100_000; // of libc's own heap, not a mapping each
    private static final int PIECES = 640;

    @Test
    void whatWasFreedIsTheKernelsAgain() throws IOException {
        List<Arena> pieces = new ArrayList<>();
        Arena last = Arena.ofConfined();
        for (int i = 0; i < PIECES; i++) {
            Arena arena = Arena.ofConfined();
            arena.allocate(PIECE).fill((byte) 1);
            pieces.add(arena);
        }
        last.allocate(PIECE).fill((byte) 1); // so that it is not the end of the heap that is freed
        long full = resident();
        pieces.forEach(Arena::close);

        NativeHeap.trim();

        long given = full - resident();
        last.close();
        assertTrue(given > (long) PIECE * PIECES / 2, "given back " + given);
    }

    private static long resident() throws IOException {
        try (Scanner statm = new Scanner(Files.readString(Path.of("/proc/self/statm")))) {
            statm.nextLong(); // mapped
            return statm.nextLong() * PageSize.BYTES;
        }
    }
}
