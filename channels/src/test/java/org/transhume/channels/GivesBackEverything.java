package org.transhume.channels;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/** After each test no socket, pipe, eventfd, temporary file or child process is there that was not there before. */
final class GivesBackEverything implements BeforeEachCallback, AfterEachCallback {
    private Set<String> before = Set.of();

    @Override
    public void beforeEach(ExtensionContext context) throws IOException {
        before = open();
    }

    @Override
    public void afterEach(ExtensionContext context) throws IOException {
        // The last user of a closed descriptor, or a killed command, may need a moment more.
        long end = System.nanoTime() + 3_000_000_000L;
        Set<String> left = left();
        while (!left.isEmpty() && System.nanoTime() < end) {
            LockSupport.parkNanos(1_000_000);
            left = left();
        }
        assertEquals(Set.of(), left, "left open by " + context.getDisplayName());
    }

    private Set<String> left() throws IOException {
        Set<String> now = open();
        now.removeAll(before);
        return now;
    }

    private static Set<String> open() throws IOException {
        Set<String> all = new TreeSet<>();
        try (Stream<Path> numbers = Files.list(Path.of("/proc/self/fd"))) {
            for (Path number : numbers.toList()) {
                try {
                    all.add(number.getFileName() + " " + Files.readSymbolicLink(number));
                } catch (NoSuchFileException e) {
                    // the directory stream's own
                }
            }
        }
        // The JVM opens its own files when it pleases.
        all.removeIf(entry -> !entry.matches("\\d+ (socket:|pipe:|anon_inode:|.*/junit|/dev/null).*"));
        all.addAll(ProcessHandle.current()
                .descendants()
                .filter(ProcessHandle::isAlive)
                .map(process -> "process " + process.pid())
                .collect(Collectors.toSet()));
        return all;
    }
}
