package org.transhume.control.soak;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What this process holds beside its heap, each thing by name: threads, descriptors, mappings of guest RAM, files of a folder.
 *
 * @param held nothing of it is touched by this
 */
record Footprint(Set<String> held) {
    private static final long LOOK_NANOS = 2_000_000;
    private static final Pattern MAPPINGS = Pattern.compile(".*(/memfd:|\\[anon:transhume).*");
    /** What a JVM starts and opens when it first needs it, and keeps. */
    private static final Pattern JVM_THREADS = Pattern.compile(
            "ForkJoinPool.*|CompletableFutureDelayScheduler|process reaper.*|Common-Cleaner|Cleaner-.*|Attach Listener|Signal Dispatcher|SIG.*|JFR.*|Virtual.*|VirtualThread.*|.*-unblocker|.*-unparker");

    private static final Pattern JVM_DESCRIPTORS =
            Pattern.compile("/proc/\\d+/(fd|maps)|.*\\.jar|.*/lib/modules|/dev/u?random");

    /**
     * What is held now.
     *
     * @param folder whose files count
     */
    static Footprint now(Path folder) {
        Set<String> held = new TreeSet<>();
        try {
            descriptors(held);
            mappings(held);
            try (Stream<Path> files = Files.list(folder)) {
                files.forEach(file -> held.add("file " + file.getFileName()));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.isAlive()
                        && !JVM_THREADS.matcher(thread.getName()).matches())
                .forEach(thread -> held.add("thread %d '%s'".formatted(thread.threadId(), thread.getName())));
        return new Footprint(held);
    }

    private static void descriptors(Set<String> held) throws IOException {
        try (DirectoryStream<Path> descriptors = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
            for (Path descriptor : descriptors) {
                try {
                    String target = Files.readSymbolicLink(descriptor).toString();
                    if (!JVM_DESCRIPTORS.matcher(target).matches()) {
                        held.add("descriptor %s %s".formatted(descriptor.getFileName(), target));
                    }
                } catch (NoSuchFileException closed) {
                    // between listing and looking
                }
            }
        }
    }

    private static void mappings(Set<String> held) throws IOException {
        try (Stream<String> lines = Files.lines(Path.of("/proc/self/maps"))) {
            lines.filter(line -> MAPPINGS.matcher(line).matches())
                    .forEach(line -> held.add("mapping " + line.replaceAll(" +", " ")));
        }
    }

    /**
     * What is held beyond this, once whatever ends by itself had some time to do so.
     *
     * @param more things that are held and do not show from outside
     */
    Set<String> left(Path folder, long millis, Supplier<Set<String>> more) {
        long deadline = System.nanoTime() + millis * 1_000_000;
        while (true) {
            Set<String> left = new TreeSet<>(now(folder).held);
            left.removeAll(held);
            left.addAll(more.get());
            if (left.isEmpty() || System.nanoTime() - deadline >= 0) {
                return left;
            }
            LockSupport.parkNanos(LOOK_NANOS);
        }
    }
}
