package org.transhume.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Pattern;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Fails a test behind which a thread of a migration, a descriptor or a mapping of guest memory is left. */
public final class NothingLeft implements BeforeEachCallback, AfterEachCallback {
    private static final long PATIENCE_NANOS = 5_000_000_000L;
    private static final Pattern DESCRIPTORS = Pattern.compile("(socket:|/memfd:|anon_inode:\\[userfaultfd|/proc/).*");
    private static final Pattern MAPPINGS = Pattern.compile(".*(/memfd:|\\[anon:transhume).*");
    /** Every thread of a migration carries its name; those of a workload are numbered. */
    private static final Pattern THREADS = Pattern.compile("(out|in|replay|vcpu|fill|decompress) .*|out|in|replay");

    private Set<String> before = Set.of();

    @Override
    public void beforeEach(ExtensionContext context) throws IOException {
        before = held();
    }

    @Override
    public void afterEach(ExtensionContext context) throws IOException {
        assertEquals(Set.of(), left(before), "left behind by " + context.getDisplayName());
    }

    /** What is held beyond {@code before}, once whatever ends by itself had a few seconds to do so. */
    static Set<String> left(Set<String> before) throws IOException {
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        while (true) {
            Set<String> left = held();
            left.removeAll(before);
            if (left.isEmpty() || System.nanoTime() - deadline >= 0) {
                return left;
            }
            LockSupport.parkNanos(2_000_000);
        }
    }

    static Set<String> held() throws IOException {
        Set<String> held = new TreeSet<>();
        try (DirectoryStream<Path> descriptors = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
            for (Path descriptor : descriptors) {
                try {
                    String target = Files.readSymbolicLink(descriptor).toString();
                    // The directory's own descriptor shows up in its listing.
                    if (DESCRIPTORS.matcher(target).matches() && !target.matches("/proc/\\d+/fd")) {
                        held.add("descriptor %s %s".formatted(descriptor.getFileName(), target));
                    }
                } catch (NoSuchFileException closed) {
                    // between listing and looking
                }
            }
        }
        Files.readAllLines(Path.of("/proc/self/maps")).stream()
                .filter(line -> MAPPINGS.matcher(line).matches())
                .forEach(line -> held.add("mapping " + line.replaceAll(" +", " ")));
        Thread.getAllStackTraces().keySet().stream()
                .filter(thread ->
                        thread.isAlive() && THREADS.matcher(thread.getName()).matches())
                .forEach(thread -> held.add("thread %d %s".formatted(thread.threadId(), thread.getName())));
        return held;
    }
}
