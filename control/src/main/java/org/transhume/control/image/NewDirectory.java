package org.transhume.control.image;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;

/**
 * A directory that comes whole or not at all: it is filled under another name beside its place, forced to disk and renamed. What
 * was not {@linkplain #publish published} goes on close; where the process was killed it stays, and its name says what it is.
 */
final class NewDirectory implements AutoCloseable {
    private static final String UNFINISHED = ".incomplete-";

    private final Path place;
    private final Path working;
    private boolean published;

    private NewDirectory(Path place, Path working) {
        this.place = place;
        this.working = working;
    }

    /** @throws IOException if something is at {@code place} already */
    static NewDirectory at(Path place) throws IOException {
        checkFree(place);
        Path parent = parent(place);
        return new NewDirectory(
                place, Files.createTempDirectory(parent, place.toAbsolutePath().getFileName() + UNFINISHED));
    }

    /**
     * Makes sure that a directory may come there.
     *
     * @throws IOException if something is there, or nothing can be written beside it
     */
    static void checkFree(Path place) throws IOException {
        if (Files.isDirectory(place)) {
            try (DirectoryStream<Path> entries = Files.newDirectoryStream(place)) {
                if (entries.iterator().hasNext()) {
                    throw new IOException(
                            "%s is not empty: choose another directory or remove what is in it".formatted(place));
                }
            }
        } else if (Files.exists(place)) {
            throw new IOException("%s is not a directory: choose another name".formatted(place));
        }
        Path parent = parent(place);
        Files.createDirectories(parent);
        if (!Files.isWritable(parent)) {
            throw new IOException("%s: nothing can be written there, which %s needs".formatted(parent, place));
        }
    }

    /** Whether the directory was left behind by somebody who did not get to its end. */
    static boolean unfinished(Path directory) {
        return directory.toAbsolutePath().normalize().getFileName().toString().contains(UNFINISHED);
    }

    private static Path parent(Path place) throws IOException {
        Path parent = place.toAbsolutePath().normalize().getParent();
        if (parent == null) {
            throw new IOException("%s: expected a directory that can be made".formatted(place));
        }
        return parent;
    }

    /** Where it is filled. */
    Path working() {
        return working;
    }

    /** Gives it its name; everything in it is on disk then. */
    void publish() throws IOException {
        Files.walkFileTree(working, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                force(file);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path folder, IOException error) throws IOException {
                force(folder);
                return FileVisitResult.CONTINUE;
            }
        });
        // Replaces an empty directory, and nothing else.
        Files.move(working, place, StandardCopyOption.ATOMIC_MOVE);
        published = true;
        force(parent(place));
    }

    private static void force(Path path) throws IOException {
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    @Override
    public void close() throws IOException {
        if (!published) {
            remove(working);
        }
    }

    /** Removes a folder with what is in it, if it is there. */
    static void remove(Path folder) throws IOException {
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
}
