package org.transhume.benchmarks.versus;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.Stream;
import org.transhume.benchmarks.peer.GuestRam;

/** What RAM holds before it is moved, to the byte the same on both sides. */
enum Content {
    /** Never written. */
    NOTHING,
    /** Written with zeros. */
    ZEROS,
    /** Noise, no page like another. */
    RANDOM,
    /** The shared libraries of this JDK, again and again. */
    LIBRARIES;

    private static final long SEED = 7;
    private static final int PIECE = 4 << 20;

    void fill(GuestRam ram) throws IOException {
        if (this == NOTHING) {
            return;
        }
        ByteBuffer cycle = this == LIBRARIES ? libraries() : ByteBuffer.allocateDirect(PIECE);
        RandomGenerator random =
                RandomGeneratorFactory.of("Xoroshiro128PlusPlus").create(SEED);
        ByteBuffer piece = cycle.duplicate();
        for (long at = 0; at < ram.bytes(); at += piece.position()) {
            piece.clear().limit((int) Math.min(piece.capacity(), ram.bytes() - at));
            if (this == RANDOM) {
                while (piece.remaining() >= Long.BYTES) {
                    piece.putLong(random.nextLong());
                }
                piece.flip();
            }
            ram.write(at, piece);
        }
    }

    private static ByteBuffer libraries() throws IOException {
        Path folder = Path.of(System.getProperty("java.home"), "lib");
        List<Path> files;
        try (Stream<Path> walk = Files.walk(folder)) {
            files = walk.filter(path -> path.toString().endsWith(".so"))
                    .sorted()
                    .toList();
        }
        long bytes = 0;
        for (Path file : files) {
            bytes += Files.size(file);
        }
        if (bytes == 0) {
            throw new IOException("%s: no file ends in .so".formatted(folder));
        }
        ByteBuffer all = ByteBuffer.allocateDirect((int) bytes);
        for (Path file : files) {
            try (FileChannel in = FileChannel.open(file)) {
                while (in.read(all) > 0) {}
            }
        }
        return all.flip();
    }
}
