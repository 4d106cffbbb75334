package org.transhume.control.image;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import org.transhume.channels.qemu.DeviceTail;
import org.transhume.channels.qemu.Dialect;
import org.transhume.engine.ArrivingPages;
import org.transhume.engine.HalfState;
import org.transhume.memory.DirtyBitmap;
import org.transhume.memory.GuestAccess;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.PageSize;
import org.transhume.memory.RamBlock;

/** Writes what one side of a postcopy has of a guest to a directory. {@link Merge} makes a guest of two of them. */
public final class HalfImage {
    private static final long PIECE = 4 << 20;

    private final Path directory;

    public HalfImage(Path directory) {
        this.directory = directory;
    }

    /** @throws IOException if something lies there already, or nothing can be written there */
    public void checkFree() throws IOException {
        NewDirectory.checkFree(directory);
    }

    /**
     * Writes all of it, or nothing. Pages that are not there are not touched.
     *
     * @param half of a guest that stands
     * @param uuid null: it has none
     * @param devices null: the guest cannot say them
     */
    public Manifest write(HalfState half, UUID uuid, DeviceTail devices) throws IOException {
        try (NewDirectory fresh = NewDirectory.at(directory)) {
            Path folder = fresh.working();
            Files.createDirectory(folder.resolve(GuestImage.BLOCKS));
            List<Manifest.Block> blocks = new ArrayList<>();
            GuestMemory memory = half.memory();
            for (RamBlock block : memory.blocks()) {
                blocks.add(write(block, blocks.size(), half.present(), folder));
            }
            if (devices != null) {
                Files.write(folder.resolve(GuestImage.DEVICE_STATE), devices.toBytes());
            }
            Manifest manifest = new Manifest(
                    Manifest.FORMAT,
                    half.machine(),
                    uuid,
                    Dialect.ofMachine(half.machine()).toString(),
                    devices == null ? null : GuestImage.DEVICE_STATE,
                    blocks,
                    null,
                    new Manifest.Half(
                            half.side().name().toLowerCase(Locale.ROOT),
                            half.handover(),
                            true,
                            blocks.stream()
                                    .mapToLong(block -> block.present().pages())
                                    .sum()));
            ManifestFile.write(manifest, folder);
            fresh.publish();
            return manifest;
        }
    }

    private static Manifest.Block write(RamBlock block, int number, ArrivingPages pages, Path folder)
            throws IOException {
        String ram = GuestImage.ramFile(number);
        String list = "%s/%02d.present".formatted(GuestImage.BLOCKS, number);
        try (DirtyBitmap present = present(block, number, pages)) {
            String listDigest = PresentPages.write(present, folder.resolve(list));
            long count = present.count();
            String digest = writePresent(block, present, folder.resolve(ram));
            return new Manifest.Block(
                    block.name(), block.size(), digest, ram, new Manifest.Present(list, count, listDigest));
        }
    }

    private static DirtyBitmap present(RamBlock block, int number, ArrivingPages pages) {
        DirtyBitmap present = new DirtyBitmap(block.pages());
        for (long page = 0; page < block.pages(); page++) {
            if (pages.isThere(number, page * PageSize.BYTES)) {
                present.mark(page);
            }
        }
        return present;
    }

    /**
     * What is present and has memory; looking where that is touches nothing. Still it is not read from Java: the kernel may have
     * taken a page out of the mapping, and who touches it then waits for the handler of faults.
     */
    private static String writePresent(RamBlock block, DirtyBitmap present, Path file) throws IOException {
        List<long[]> extents = new ArrayList<>();
        block.populatedExtents((offset, length) -> {
            long first = offset / PageSize.BYTES;
            present.harvest(
                    first,
                    first + length / PageSize.BYTES,
                    (page, count) -> extents.add(new long[] {page * PageSize.BYTES, count * PageSize.BYTES}));
        });
        try (RamFile out = new RamFile(file, block.size());
                Arena arena = Arena.ofConfined()) {
            MemorySegment piece = arena.allocate(PIECE);
            for (long[] extent : extents) {
                for (long done = 0; done < extent[1]; done += PIECE) {
                    long offset = extent[0] + done;
                    long length = Math.min(PIECE, extent[1] - done);
                    GuestAccess.read(block.address() + offset, piece, length);
                    out.write(piece.asSlice(0, length).asByteBuffer(), offset);
                }
            }
            return out.finish();
        }
    }
}
