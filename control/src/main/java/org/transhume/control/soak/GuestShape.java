package org.transhume.control.soak;

import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;
import org.transhume.engine.guest.SyntheticGuest;
import org.transhume.engine.guest.WorkloadSpec;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.RamBlock;
import org.transhume.memory.WriteProtectSource;
import org.transhume.memory.WriterMarks;

/**
 * A guest as it is drawn.
 *
 * @param machine decides the dialect of the stream
 * @param blocks 1..3; its threads write the first
 * @param dirtySource how its writes are found
 * @param runs whether it runs when the migration begins
 */
record GuestShape(String machine, List<Block> blocks, String dirtySource, WorkloadSpec workload, boolean runs) {
    private static final List<String> MACHINES =
            List.of(SyntheticGuest.MACHINE, SyntheticGuest.MACHINE, "pc-q35-10.0", "pc-q35-7.2");
    private static final List<String> NAMES = List.of(SyntheticGuest.BLOCK, "vga.vram", "/rom@etc/acpi/tables");
    private static final List<WorkloadSpec.Pattern> PATTERNS = List.of(WorkloadSpec.Pattern.values());
    private static final long PAGE = 4096;
    private static final long SMALLEST_FIRST = 1 << 18;

    /**
     * One block of its RAM.
     *
     * @param memfd whether another process could map it
     * @param filledPercent of its stretches that are written before the migration
     */
    record Block(String name, long bytes, boolean memfd, int filledPercent) {
        RamBlock map(boolean asMemfd) {
            return asMemfd ? RamBlock.memfd(name, bytes) : RamBlock.anonymous(name, bytes);
        }
    }

    static GuestShape draw(RandomGenerator random) {
        List<Block> blocks = new ArrayList<>();
        int count = 1 + random.nextInt(NAMES.size());
        for (int i = 0; i < count; i++) {
            boolean sparse = i > 0 && random.nextInt(6) == 0;
            long bytes = sparse
                    ? (64L << 20) << random.nextInt(4)
                    : pages(random, i == 0 ? SMALLEST_FIRST : PAGE, i == 0 ? 32 << 20 : 16 << 20);
            int filled = sparse ? 0 : random.nextInt(101);
            blocks.add(new Block(NAMES.get(i), bytes, random.nextInt(3) > 0, filled));
        }
        boolean protects = WriteProtectSource.unavailable().isEmpty();
        String source = protects && random.nextBoolean() ? WriteProtectSource.NAME : WriterMarks.NAME;
        long set = Math.max(PAGE, blocks.getFirst().bytes() * random.nextInt(1, 101) / 100 / PAGE * PAGE);
        long rate = List.of(500L, 5_000L, 20_000L, 50_000L).get(random.nextInt(4));
        WorkloadSpec workload = new WorkloadSpec(
                PATTERNS.get(random.nextInt(PATTERNS.size())), rate, set, set / 8, random.nextLong(1, 1 << 30));
        return new GuestShape(
                MACHINES.get(random.nextInt(MACHINES.size())), blocks, source, workload, random.nextInt(10) > 0);
    }

    /** Bytes between the two, even over their orders of magnitude. */
    private static long pages(RandomGenerator random, long least, long most) {
        double exponent = random.nextDouble(Math.log((double) least), Math.log((double) most));
        return Math.max(least, (long) Math.exp(exponent) / PAGE * PAGE);
    }

    /** RAM of this shape, nothing of it written. The caller closes it. */
    GuestMemory memory() {
        return memory(blocks.stream().map(Block::memfd).toList());
    }

    /** @param memfds for each block, whether another process could map it */
    GuestMemory memory(List<Boolean> memfds) {
        List<RamBlock> mapped = new ArrayList<>();
        try {
            for (int i = 0; i < blocks.size(); i++) {
                mapped.add(blocks.get(i).map(memfds.get(i)));
            }
            return new GuestMemory(mapped);
        } catch (Throwable t) {
            mapped.forEach(RamBlock::close);
            throw t;
        }
    }
}
