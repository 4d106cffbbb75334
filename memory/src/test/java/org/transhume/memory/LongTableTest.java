package org.transhume.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class LongTableTest {
    @Test
    void holdsWhatWasSetAndZeroesElsewhere() {
        try (LongTable table = new LongTable("test", 1000)) {
            table.set(7, -5);
            table.add(7, 2);
            table.add(999, Long.MIN_VALUE);

            assertEquals(1000, table.length());
            assertEquals(-3, table.get(7));
            assertEquals(Long.MIN_VALUE, table.get(999));
            assertEquals(0, table.get(8));
        }
    }

    @Test
    void nothingThatManyThreadsAddIsLost() throws Exception {
        int threads = 4;
        int times = 50_000;
        try (LongTable table = new LongTable("test", 2)) {
            List<Thread> adding = new ArrayList<>();
            for (int i = 0; i < threads; i++) {
                adding.add(Thread.ofPlatform().start(() -> {
                    for (int t = 0; t < times; t++) {
                        table.add(1, 3);
                    }
                }));
            }
            for (Thread thread : adding) {
                thread.join();
            }

            assertEquals(3L * threads * times, table.get(1));
        }
    }

    @Test
    void refusesPlacesOutsideAndUseAfterItsEnd() {
        LongTable table = new LongTable("test", 512);

        assertThrows(IndexOutOfBoundsException.class, () -> table.get(512));
        assertThrows(IndexOutOfBoundsException.class, () -> table.set(-1, 0));
        table.close();
        assertThrows(IllegalStateException.class, () -> table.get(0));
        assertThrows(IllegalArgumentException.class, () -> new LongTable("test", 0));
    }

    /** That of a guest of 1 TiB: 2 GiB of table. */
    @Test
    void looksAtAHugeOneCostNoMemory() throws IOException {
        try (LongTable table = new LongTable("test", 1L << 28)) {
            long before = resident();

            long sum = 0;
            for (long i = 0; i < table.length(); i += 512) {
                sum += table.get(i);
            }

            assertEquals(0, sum);
            assertTrue(resident() - before < 64 << 10, "KiB more: " + (resident() - before));
        }
    }

    /** Anonymous memory of this process, KiB. */
    private static long resident() throws IOException {
        return Files.readAllLines(Path.of("/proc/self/status")).stream()
                .filter(line -> line.startsWith("RssAnon:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
                .findFirst()
                .orElseThrow();
    }
}
