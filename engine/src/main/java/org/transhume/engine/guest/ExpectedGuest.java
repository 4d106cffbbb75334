package org.transhume.engine.guest;

import java.util.List;
import org.transhume.channels.qemu.BlockEntry;
import org.transhume.engine.MigrationException;
import org.transhume.memory.GuestMemory;

/** Whether what comes is the guest that a place was made for. */
final class ExpectedGuest {
    private ExpectedGuest() {}

    static void check(String machine, GuestMemory memory, String cameAs, List<BlockEntry> blocks) {
        if (!cameAs.equals(machine)) {
            throw new MigrationException("machine '%s' came, this guest is '%s': start both with the same --machine"
                    .formatted(cameAs, machine));
        }
        List<BlockEntry> here = memory.blocks().stream()
                .map(block -> new BlockEntry(block.name(), block.size()))
                .toList();
        if (!text(blocks).equals(text(here))) {
            throw new MigrationException("RAM blocks %s came, this guest has %s: start both with the same --ram"
                    .formatted(text(blocks), text(here)));
        }
    }

    /** Names and lengths; where a block lies in its machine is no matter. */
    private static List<String> text(List<BlockEntry> blocks) {
        return blocks.stream()
                .map(block -> "'%s' of %d bytes".formatted(block.name(), block.length()))
                .toList();
    }
}
