package org.transhume.control.image;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.transhume.channels.qemu.DeviceTail;
import org.transhume.engine.guest.PassiveGuest;
import org.transhume.engine.incoming.IncomingReport;
import org.transhume.memory.Access;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.RamBlock;

/** Writes a guest at rest to a directory, and makes it a guest again. Holes stay holes. */
public final class GuestImage {
    static final String DEVICE_STATE = "device-state.bin";
    static final String BLOCKS = "blocks";
    private static final int PIECE = 64 << 20;

    private final Path directory;

    public GuestImage(Path directory) {
        this.directory = directory;
    }

    /** Refuses a directory in which another guest lies. */
    public void checkFree() throws IOException {
        if (Files.exists(directory.resolve(ManifestFile.NAME)) || Files.exists(directory.resolve(BLOCKS))) {
            throw new IOException(
                    "%s holds a guest already: choose another directory or remove it".formatted(directory));
        }
    }

    /** Writes all of it; on failure nothing of it is left. */
    public Manifest write(PassiveGuest guest, IncomingReport counters) throws IOException {
        boolean made = Files.notExists(directory);
        try {
            Files.createDirectories(directory.resolve(BLOCKS));
            List<Manifest.Block> blocks = new ArrayList<>();
            for (RamBlock block : guest.memory().blocks()) {
                String file = ramFile(blocks.size());
                String digest = writeBlock(block, directory.resolve(file));
                blocks.add(new Manifest.Block(block.name(), block.size(), digest, file, null));
            }
            Files.write(directory.resolve(DEVICE_STATE), guest.saveDevices().toBytes());
            Manifest manifest = new Manifest(
                    Manifest.FORMAT,
                    guest.machine(),
                    guest.uuid(),
                    counters.dialect(),
                    DEVICE_STATE,
                    blocks,
                    counters,
                    null);
            ManifestFile.write(manifest, directory);
            return manifest;
        } catch (IOException | RuntimeException e) {
            NewDirectory.remove(directory.resolve(BLOCKS));
            Files.deleteIfExists(directory.resolve(DEVICE_STATE));
            Files.deleteIfExists(directory.resolve(ManifestFile.NAME));
            if (made) {
                Files.deleteIfExists(directory);
            }
            throw e;
        }
    }

    /** The file of the block with that number, relative to the directory. */
    static String ramFile(int number) {
        return "%s/%02d.ram".formatted(BLOCKS, number);
    }

    private static String writeBlock(RamBlock block, Path file) throws IOException {
        try (RamFile out = new RamFile(file, block.size())) {
            List<long[]> extents = new ArrayList<>();
            block.populatedExtents((offset, length) -> extents.add(new long[] {offset, length}));
            for (long[] extent : extents) {
                write(block, extent[0], extent[1], out);
            }
            return out.finish();
        }
    }

    /** Of a block to its file: {@code length} bytes from {@code offset} on, all of which are there. */
    private static void write(RamBlock block, long offset, long length, RamFile out) throws IOException {
        MemorySegment segment = block.segment();
        for (long done = 0; done < length; done += PIECE) {
            long piece = Math.min(PIECE, length - done);
            out.write(segment.asSlice(offset + done, piece).asByteBuffer(), offset + done);
        }
    }

    /** The guest that lies here, its RAM mapped from the files. The caller closes it. */
    public PassiveGuest read() throws IOException {
        Manifest manifest = ManifestFile.read(directory);
        if (manifest.half() != null) {
            throw new IOException(
                    "%s holds the half of a guest that its %s had: put it together with the other half first"
                                    .formatted(directory, manifest.half().side())
                            + " (transhume merge SRC DST OUT)");
        }
        DeviceTail devices =
                DeviceTail.parse(Files.readAllBytes(ManifestFile.inside(directory, manifest.deviceState())));
        List<RamBlock> blocks = new ArrayList<>();
        try {
            for (Manifest.Block block : manifest.blocks()) {
                blocks.add(RamBlock.file(
                        block.name(), ManifestFile.inside(directory, block.file()), block.size(), Access.READ_ONLY));
            }
        } catch (IOException | RuntimeException e) {
            blocks.forEach(RamBlock::close);
            throw e;
        }
        return new PassiveGuest(manifest.machine(), manifest.uuid(), new GuestMemory(blocks), devices);
    }
}
