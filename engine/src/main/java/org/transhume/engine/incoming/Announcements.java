package org.transhume.engine.incoming;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.IntConsumer;
import org.transhume.engine.AnnounceSchedule;
import org.transhume.engine.Threads;

/**
 * Has a guest announce itself as its schedule says: the first time from the caller, the others from a thread that ends with
 * them. Any thread may close it.
 */
public final class Announcements implements AutoCloseable {
    private final IntConsumer announce;
    private final AnnounceSchedule schedule;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition ended = lock.newCondition();
    private final Thread thread;
    private boolean over;

    private Announcements(IntConsumer announce, AnnounceSchedule schedule, String name) {
        this.announce = announce;
        this.schedule = schedule;
        thread = Thread.ofPlatform().daemon().name(name + " announce").unstarted(this::run);
    }

    /**
     * Announces the guest, and again later.
     *
     * @param announce does it; gets 1 and up
     * @param name begins the name of the thread
     */
    public static Announcements begin(IntConsumer announce, AnnounceSchedule schedule, String name) {
        Announcements announcements = new Announcements(announce, schedule, name);
        if (schedule.rounds() > 0) {
            announce.accept(1);
        }
        if (schedule.rounds() > 1) {
            announcements.thread.start();
        }
        return announcements;
    }

    private void run() {
        for (int number = 2; number <= schedule.rounds(); number++) {
            if (endedWithin(schedule.delayBefore(number))) {
                return;
            }
            announce.accept(number);
        }
    }

    private boolean endedWithin(long millis) {
        lock.lock();
        try {
            long left = TimeUnit.MILLISECONDS.toNanos(millis);
            while (!over && left > 0) {
                left = ended.awaitNanos(left);
            }
            return over;
        } catch (InterruptedException e) {
            return true; // nobody interrupts it but whoever wants it to end
        } finally {
            lock.unlock();
        }
    }

    /** No announcement begins after this, and none is under way when it returns. */
    @Override
    public void close() {
        lock.lock();
        try {
            over = true;
            ended.signalAll();
        } finally {
            lock.unlock();
        }
        if (Thread.currentThread() != thread) {
            Threads.join(thread);
        }
    }
}
