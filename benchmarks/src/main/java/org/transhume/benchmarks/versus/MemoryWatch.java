package org.transhume.benchmarks.versus;

import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.transhume.benchmarks.peer.GuestRam;
import org.transhume.benchmarks.peer.MeasuredProcess;

/** Looks at the memory of two processes ten times a second, and once more at the end. */
final class MemoryWatch {
    private static final long PERIOD_MILLIS = 100;

    private final MeasuredProcess source;
    private final MeasuredProcess destination;
    private final CountDownLatch over = new CountDownLatch(1);
    private CompletableFuture<Memory> coming;

    MemoryWatch(MeasuredProcess source, MeasuredProcess destination) {
        this.source = source;
        this.destination = destination;
    }

    /** @param before the RAM of the source, which does not count, as {@code after} at the destination */
    void begin(GuestRam before, GuestRam after) {
        coming = new CompletableFuture<>();
        Thread.ofPlatform().daemon().name("memory watch").start(() -> {
            try {
                coming.complete(look(before, after));
            } catch (IOException | RuntimeException e) {
                coming.completeExceptionally(e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
    }

    private Memory look(GuestRam before, GuestRam after) throws IOException, InterruptedException {
        Memory most = new Memory(0, 0);
        boolean last;
        do {
            last = over.await(PERIOD_MILLIS, TimeUnit.MILLISECONDS);
            most = most.max(new Memory(source.residentBeyond(before), destination.residentBeyond(after)));
        } while (!last);
        return most;
    }

    /** Has it look once more. */
    void end() {
        over.countDown();
        coming.join();
    }

    Memory most() {
        return coming.join();
    }
}
