package org.transhume.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.channels.Pipe;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Fails a test that leaves a file descriptor, a mapping of guest memory or a thread behind. What ends on its own gets a
 * few seconds to do so. Registered with {@code @RegisterExtension}; tests in other threads at the same time confuse it.
 */
public final class GivesBackEverything implements BeforeEachCallback, AfterEachCallback {
    private static final long PATIENCE_NANOS = 5_000_000_000L;

    /** What the JDK opens when it first needs it, and keeps. */
    private static final Pattern JDK_FILES =
            Pattern.compile(".*(\\.jar|\\.so[.0-9]*|/modules|/urandom|/random|\\[event(poll|fd)\\])$");

    /** Of the JDK, of the test runner, and Chronicle's one releaser, which lives as long as the JVM. */
    private static final Pattern LASTING_THREADS = Pattern.compile(
            "(background~resource~releaser|ForkJoinPool|Common-Cleaner|Cleaner-|process reaper|Attach Listener|surefire-|junit-"
                    + "|VirtualThread-|.*-Poller|ThreadedStreamConsumer|Keep-Alive|FileSystemWatch|Timer-).*");

    private static final Pattern OUR_MAPPINGS =
            Pattern.compile(".*(/memfd:|\\[anon:transhume|/dev/shm/|hugepage|hugetlb|/transhume-|userfaultfd).*");

    private Set<String> before = Set.of();

    @Override
    public void beforeEach(ExtensionContext context) throws IOException {
        // The JDK keeps a socket of its own from the first channel on; let that not be a test's.
        Pipe pipe = Pipe.open();
        pipe.sink().close();
        pipe.source().close();
        before = held();
    }

    @Override
    public void afterEach(ExtensionContext context) throws IOException {
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        Set<String> left = left();
        while (!left.isEmpty() && System.nanoTime() - deadline < 0) {
            LockSupport.parkNanos(5_000_000);
            left = left();
        }
        assertEquals(Set.of(), left, "left behind by " + context.getDisplayName());
    }

    private Set<String> left() throws IOException {
        Set<String> left = held();
        left.removeAll(before);
        return left;
    }

    private static Set<String> held() throws IOException {
        Set<String> held = new TreeSet<>();
        try (DirectoryStream<Path> descriptors = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
            for (Path descriptor : descriptors) {
                try {
                    String target = Files.readSymbolicLink(descriptor).toString();
                    // The directory's own descriptor shows up in its listing.
                    if (!JDK_FILES.matcher(target).matches() && !target.matches("/proc/\\d+/fd")) {
                        held.add("descriptor " + descriptor.getFileName() + " " + target);
                    }
                } catch (NoSuchFileException closed) {
                    // Closed between listing and looking.
                }
            }
        }
        held.addAll(Files.readAllLines(Path.of("/proc/self/maps")).stream()
                .filter(line -> OUR_MAPPINGS.matcher(line).matches())
                .map(line -> "mapping " + line.replaceAll(" +", " "))
                .collect(Collectors.toSet()));
        held.addAll(Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.isAlive()
                        && thread != Thread.currentThread()
                        && !LASTING_THREADS.matcher(thread.getName()).matches())
                .map(thread -> "thread " + thread.threadId() + " " + thread.getName())
                .collect(Collectors.toSet()));
        return held;
    }
}
