package org.transhume.memory;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.NoSuchElementException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class GuestMemoryTest {
    @RegisterExtension
    final GivesBackEverything givesBackEverything = new GivesBackEverything();

    @Test
    void findsItsBlocksByName() {
        RamBlock ram = RamBlock.memfd("pc.ram", 8192);
        RamBlock video = RamBlock.anonymous("0000:00:02.0/vga.vram", 4096);

        try (GuestMemory memory = new GuestMemory(List.of(ram, video))) {
            assertSame(video, memory.block("0000:00:02.0/vga.vram"));
            assertTrue(memory.find("pc.bios").isEmpty());
            assertEquals(12288, memory.size());
            String refusal = assertThrows(NoSuchElementException.class, () -> memory.block("pc.bios"))
                    .getMessage();
            assertEquals("no block pc.bios, there are [pc.ram, 0000:00:02.0/vga.vram]", refusal);
        }
    }

    @Test
    void refusesTwoBlocksOfOneNameAndClosesThem() {
        RamBlock one = RamBlock.memfd("pc.ram", 4096);
        RamBlock two = RamBlock.memfd("pc.ram", 4096);

        assertThrows(IllegalArgumentException.class, () -> new GuestMemory(List.of(one, two)));

        assertThrows(IllegalStateException.class, () -> one.segment().get(JAVA_BYTE, 0));
        assertThrows(IllegalStateException.class, () -> two.segment().get(JAVA_BYTE, 0));
    }

    @Test
    void keepsEveryBlockMappedWhileALeaseIsOpen() {
        GuestMemory memory = new GuestMemory(List.of(RamBlock.memfd("a", 4096), RamBlock.anonymous("b", 4096)));
        Lease lease = memory.lease("sender");

        memory.close();
        for (RamBlock block : memory.blocks()) {
            block.segment().set(JAVA_BYTE, 0, (byte) 1);
        }
        lease.close();
        lease.close();
        memory.close();

        for (RamBlock block : memory.blocks()) {
            assertThrows(IllegalStateException.class, () -> block.segment().get(JAVA_BYTE, 0));
        }
    }

    @Test
    void leavesNoLeaseBehindWhenOneBlockRefuses() {
        RamBlock open = RamBlock.memfd("a", 4096);
        RamBlock closed = RamBlock.memfd("b", 4096);
        GuestMemory memory = new GuestMemory(List.of(open, closed));
        closed.close();

        assertThrows(IllegalStateException.class, () -> memory.lease("sender"));
        memory.close();

        assertThrows(IllegalStateException.class, () -> open.segment().get(JAVA_BYTE, 0));
    }
}
