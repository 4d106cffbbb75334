package org.transhume.benchmarks.profile;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** What the RAM of a guest holds that stands still: written by itself, or a file that it maps. */
enum GuestContent {
    /** Random bytes: nothing packs. The guest fills its own memory, so that its pages are mapped as those of any guest. */
    RANDOM {
        @Override
        List<String> options(Path file, long bytes) {
            return List.of("--workload", "uniform:rate=1");
        }

        @Override
        void write(RandomAccessFile file, long bytes) {
            throw new IllegalStateException("it comes from the guest");
        }
    },
    /** Zeros that were written, so that they are resident. */
    ZEROS {
        @Override
        void write(RandomAccessFile file, long bytes) throws IOException {
            byte[] piece = new byte[PIECE];
            for (long at = 0; at < bytes; at += PIECE) {
                file.write(piece, 0, (int) Math.min(PIECE, bytes - at));
            }
        }
    },
    /** Never written. */
    UNTOUCHED {
        @Override
        void write(RandomAccessFile file, long bytes) {}
    },
    /** The JDK's libraries, again and again. */
    LIBRARIES {
        @Override
        void write(RandomAccessFile file, long bytes) throws IOException {
            List<byte[]> libraries = libraries();
            for (int i = 0; file.getFilePointer() < bytes; i++) {
                byte[] library = libraries.get(i % libraries.size());
                file.write(library, 0, (int) Math.min(library.length, bytes - file.getFilePointer()));
            }
        }
    };

    private static final int PIECE = 1 << 20;

    abstract void write(RandomAccessFile file, long bytes) throws IOException;

    /**
     * Options of a {@code guest} that has this content.
     *
     * @param path is made a file of {@code bytes}, where it needs one
     */
    List<String> options(Path path, long bytes) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            file.setLength(bytes);
            write(file, bytes);
        }
        return List.of("--ram-file", path.toString());
    }

    private static List<byte[]> libraries() throws IOException {
        try (Stream<Path> files = Files.walk(Path.of(System.getProperty("java.home"), "lib"))) {
            return files.filter(file -> file.toString().endsWith(".so"))
                    .sorted()
                    .map(GuestContent::read)
                    .toList();
        }
    }

    private static byte[] read(Path library) {
        try {
            return Files.readAllBytes(library);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
