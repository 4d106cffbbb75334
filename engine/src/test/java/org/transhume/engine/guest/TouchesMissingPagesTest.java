package org.transhume.engine.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.transhume.channels.qemu.BlockEntry;
import org.transhume.channels.qemu.DeviceTail;
import org.transhume.engine.ArrivingPages;
import org.transhume.engine.NothingLeft;
import org.transhume.memory.MissingPages;
import org.transhume.memory.PageSize;

/** A guest that runs nowhere asks for pages all the same. */
@Timeout(60)
class TouchesMissingPagesTest {
    private static final List<BlockEntry> BLOCKS =
            List.of(new BlockEntry("first", 4 << 20), new BlockEntry("second", 1 << 20));
    private static final int PAGES = (5 << 20) / PageSize.BYTES;

    @RegisterExtension
    final NothingLeft nothingLeft = new NothingLeft();

    private final Set<String> there = ConcurrentHashMap.newKeySet();
    private final Set<String> asked = ConcurrentHashMap.newKeySet();
    private final ArrivingPages arriving = (block, offset) -> there.contains(block + " " + offset);
    private PassiveGuest guest;
    private MissingPages missing;

    @BeforeEach
    void receive() {
        guest = PassiveGuest.touching(20_000, 7);
        missing = new MissingPages(guest.accept("machine", BLOCKS));
        guest.missing(arriving);
    }

    @AfterEach
    void close() {
        missing.close();
        guest.close();
    }

    @Test
    void readsAnyPageThatIsMissingOnceItsDevicesAreLoadedUntilAllAreThere() {
        try (MissingPages.Placer placer = missing.placer()) {
            assertEquals(0, missing.read((_, _, _, _) -> {}, 20));

            guest.load(DeviceTail.EMPTY);
            while (there.size() < PAGES) {
                int _ = missing.read(
                        (block, offset, _, _) -> {
                            asked.add(block + " " + offset);
                            boolean _ = placer.zero(block, offset); // not if both wait for it
                            there.add(block + " " + offset);
                        },
                        -1);
            }
        }

        assertEquals(PAGES, asked.size());
        assertTrue(guest.pagesTouched() >= PAGES - 2, "touched: " + guest.pagesTouched());
        guest.whole();
        awaitNoThread();
        assertTrue(guest.pagesTouched() <= 2L * PAGES, "two may wait for one: " + guest.pagesTouched());
    }

    @Test
    void isClosedWhileItWaitsForAPage() {
        guest.load(DeviceTail.EMPTY);
        int _ = missing.read((_, _, _, _) -> {}, -1);

        guest.close();

        assertEquals(0, guest.pagesTouched());
    }

    @Test
    void touchesNoFasterThanItIsTold() {
        try (PassiveGuest slow = PassiveGuest.touching(200, 7);
                MissingPages pages = new MissingPages(slow.accept("machine", BLOCKS));
                MissingPages.Placer placer = pages.placer()) {
            slow.missing((_, _) -> false);
            slow.load(DeviceTail.EMPTY);
            long begin = System.nanoTime();
            while (slow.pagesTouched() < 60) {
                int _ = pages.read((block, offset, _, _) -> placer.zero(block, offset), 1);
            }
            double seconds = (System.nanoTime() - begin) / 1e9;

            assertTrue(seconds > 0.25, "200 a second, 60 in " + seconds);
            slow.whole();
        }
    }

    @Test
    void refusesARateOfNothing() {
        assertThrows(IllegalArgumentException.class, () -> PassiveGuest.touching(0, 7));
    }

    private static void awaitNoThread() {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (Thread.getAllStackTraces().keySet().stream()
                .anyMatch(thread -> thread.getName().startsWith("touch "))) {
            assertTrue(System.nanoTime() - deadline < 0, "a thread still touches");
            LockSupport.parkNanos(1_000_000);
        }
    }
}
