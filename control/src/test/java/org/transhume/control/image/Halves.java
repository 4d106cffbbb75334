package org.transhume.control.image;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.function.LongPredicate;
import org.transhume.channels.qemu.DeviceTail;
import org.transhume.engine.HalfState;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.PageSize;
import org.transhume.memory.RamBlock;

/** A guest of two blocks, each page of which says whose it is, as the sides of a postcopy would give it up. */
final class Halves implements AutoCloseable {
    static final long PAGES = 200;
    static final long ROM_PAGES = 3;
    static final String MACHINE = "transhume-1.0";
    static final int SOURCE = 0x5000_0000;
    static final int DESTINATION = 0x6000_0000;

    final GuestMemory memory;
    private final HalfState.Side side;

    private Halves(HalfState.Side side) {
        this.side = side;
        memory = new GuestMemory(List.of(
                RamBlock.memfd("pc.ram", PAGES * PageSize.BYTES),
                RamBlock.memfd("/rom@0", ROM_PAGES * PageSize.BYTES)));
    }

    /** @param written pages of both blocks that are not zero: they hold their number and whose they are */
    static Halves of(HalfState.Side side, LongPredicate written) {
        Halves half = new Halves(side);
        for (RamBlock block : half.memory.blocks()) {
            for (long page = 0; page < block.pages(); page++) {
                if (written.test(page)) {
                    block.segment().set(ValueLayout.JAVA_INT, page * PageSize.BYTES, content(side, page));
                }
            }
        }
        return half;
    }

    static int content(HalfState.Side side, long page) {
        return (side == HalfState.Side.SOURCE ? SOURCE : DESTINATION) + (int) page;
    }

    /** Saved with the pages of {@code pc.ram} that {@code present} names and all of the other block. */
    Manifest save(Path directory, UUID handover, LongPredicate present) throws IOException {
        return save(directory, handover, null, devices(side), present);
    }

    Manifest save(Path directory, UUID handover, UUID uuid, DeviceTail devices, LongPredicate present)
            throws IOException {
        HalfState half = new HalfState(
                side,
                MACHINE,
                handover,
                memory,
                (block, offset) -> block == 1 || present.test(offset / PageSize.BYTES),
                devices);
        return new HalfImage(directory).write(half, uuid, devices);
    }

    static DeviceTail devices(HalfState.Side side) {
        return new DeviceTail(
                new byte[0], ("{\"of\":\"" + side + "\"}").getBytes(java.nio.charset.StandardCharsets.UTF_8));
    }

    /** What the pages of {@code block} begin with. */
    static List<Integer> contents(RamBlock block) {
        List<Integer> all = new ArrayList<>();
        for (long page = 0; page < block.pages(); page++) {
            all.add(block.segment().get(ValueLayout.JAVA_INT, page * PageSize.BYTES));
        }
        return all;
    }

    @Override
    public void close() {
        memory.close();
    }
}
