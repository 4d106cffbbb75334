package org.transhume.channels;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;

/** Does something that may block, in a thread of its own. */
final class OtherThread {
    private final Thread thread;
    private volatile Path task;
    private volatile Object result;
    private volatile Throwable failure;

    OtherThread(Callable<?> work) {
        thread = Thread.ofPlatform().daemon().name("other").start(() -> {
            try {
                task = Path.of("/proc").resolve(Files.readSymbolicLink(Path.of("/proc/thread-self")));
                result = work.call();
            } catch (Throwable t) {
                failure = t;
            }
        });
    }

    /** Waits until the kernel has put the thread to sleep and keeps it there. */
    void awaitBlocked() throws IOException {
        long end = System.nanoTime() + 10_000_000_000L;
        for (int asleep = 0; asleep < 20; LockSupport.parkNanos(1_000_000)) {
            if (System.nanoTime() > end || !thread.isAlive()) {
                fail("the other thread does not block: " + result + " " + failure);
            }
            Path stat = task == null ? null : task.resolve("stat");
            asleep = stat != null && Files.readString(stat).matches("(?s).*\\) S .*") ? asleep + 1 : 0;
        }
    }

    /** What it threw; null if nothing. It must end within {@code millis}. */
    Throwable failureWithin(int millis) throws InterruptedException {
        thread.join(millis);
        assertFalse(thread.isAlive(), () -> "still running after " + millis + " ms");
        return failure;
    }

    /** What it gave back. It must end within ten seconds, without an exception. */
    Object result() throws InterruptedException {
        if (failureWithin(10_000) != null) {
            throw new AssertionError(failure);
        }
        return result;
    }
}
