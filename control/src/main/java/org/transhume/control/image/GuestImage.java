package org.transhume.control.image;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.transhume.channels.qemu.DeviceTail;
import org.transhume.engine.guest.PassiveGuest;
import org.transhume.engine.incoming.IncomingReport;
import org.transhume.memory.Access;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.RamBlock;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.databind.json.JsonMapper;

/** Writes a guest at rest to a directory, and makes it a guest again. Holes stay holes. */
public final class GuestImage {
    private static final String MANIFEST = "manifest.json";
    private static final String DEVICE_STATE = "device-state.bin";
    private static final String BLOCKS = "blocks";
    private static final int PIECE = 64 << 20;

    private static final ObjectMapper JSON = JsonMapper.builder()
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .build();

    private final Path directory;

    public GuestImage(Path directory) {
        this.directory = directory;
    }

    /** Refuses a directory in which another guest lies. */
    public void checkFree() throws IOException {
        if (Files.exists(directory.resolve(MANIFEST)) || Files.exists(directory.resolve(BLOCKS))) {
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
                String file = "%s/%02d.ram".formatted(BLOCKS, blocks.size());
                String digest = writeBlock(block, directory.resolve(file));
                blocks.add(new Manifest.Block(block.name(), block.size(), digest, file));
            }
            Files.write(directory.resolve(DEVICE_STATE), guest.saveDevices().toBytes());
            Manifest manifest = new Manifest(
                    Manifest.FORMAT, guest.machine(), guest.uuid(), counters.dialect(), DEVICE_STATE, blocks, counters);
            Files.write(
                    directory.resolve(MANIFEST),
                    JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(manifest));
            return manifest;
        } catch (IOException | RuntimeException e) {
            remove(directory.resolve(BLOCKS));
            Files.deleteIfExists(directory.resolve(DEVICE_STATE));
            Files.deleteIfExists(directory.resolve(MANIFEST));
            if (made) {
                Files.deleteIfExists(directory);
            }
            throw e;
        }
    }

    private static String writeBlock(RamBlock block, Path file) throws IOException {
        MessageDigest digest = sha256();
        try (FileChannel out = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            long[] at = {0};
            List<long[]> extents = new ArrayList<>();
            block.populatedExtents((offset, length) -> extents.add(new long[] {offset, length}));
            for (long[] extent : extents) {
                digestZeroes(digest, extent[0] - at[0]);
                writeExtent(block.segment().asSlice(extent[0], extent[1]), out, extent[0], digest);
                at[0] = extent[0] + extent[1];
            }
            digestZeroes(digest, block.size() - at[0]);
            if (at[0] < block.size()) {
                out.write(ByteBuffer.allocate(1), block.size() - 1); // the hole at the end has a length, too
            }
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    private static void writeExtent(MemorySegment extent, FileChannel out, long position, MessageDigest digest)
            throws IOException {
        for (long done = 0; done < extent.byteSize(); done += PIECE) {
            ByteBuffer piece = extent.asSlice(done, Math.min(PIECE, extent.byteSize() - done))
                    .asByteBuffer();
            digest.update(piece.duplicate());
            while (piece.hasRemaining()) {
                out.write(piece, position + done + piece.position());
            }
        }
    }

    private static void digestZeroes(MessageDigest digest, long count) {
        byte[] zeroes = new byte[(int) Math.min(count, 1 << 20)];
        for (long left = count; left > 0; left -= zeroes.length) {
            digest.update(zeroes, 0, (int) Math.min(left, zeroes.length));
        }
    }

    /** The guest that lies here, its RAM mapped from the files. The caller closes it. */
    public PassiveGuest read() throws IOException {
        Path file = directory.resolve(MANIFEST);
        if (Files.notExists(file)) {
            throw new IOException("%s holds no guest: there is no %s in it".formatted(directory, MANIFEST));
        }
        Manifest manifest;
        try {
            manifest = JSON.readValue(Files.readAllBytes(file), Manifest.class);
        } catch (JacksonException e) {
            throw new IOException("%s: %s".formatted(file, e.getOriginalMessage()), e);
        }
        if (manifest.format() != Manifest.FORMAT) {
            throw new IOException("%s: format %d, expected %d".formatted(file, manifest.format(), Manifest.FORMAT));
        }
        DeviceTail devices = DeviceTail.parse(Files.readAllBytes(directory.resolve(manifest.deviceState())));
        List<RamBlock> blocks = new ArrayList<>();
        try {
            for (Manifest.Block block : manifest.blocks()) {
                Path ram = directory.resolve(block.file());
                if (Files.size(ram) != block.size()) {
                    throw new IOException(
                            "%s: %d bytes, the manifest says %d".formatted(ram, Files.size(ram), block.size()));
                }
                blocks.add(RamBlock.file(block.name(), ram, block.size(), Access.READ_ONLY));
            }
            return new PassiveGuest(manifest.machine(), manifest.uuid(), new GuestMemory(blocks), devices);
        } catch (IOException | RuntimeException e) {
            blocks.forEach(RamBlock::close);
            throw e;
        }
    }

    private static void remove(Path folder) throws IOException {
        if (Files.notExists(folder)) {
            return;
        }
        Files.walkFileTree(folder, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Files.delete(file);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path dir, IOException error) throws IOException {
                Files.delete(dir);
                return FileVisitResult.CONTINUE;
            }
        });
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
