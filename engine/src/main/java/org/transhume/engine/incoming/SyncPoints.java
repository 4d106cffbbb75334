package org.transhume.engine.incoming;

import java.io.IOException;
import java.util.BitSet;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Where main and page channels wait for each other: no channel applies a page of the next epoch before all have applied
 * theirs of this one (spec: stream.md §5.6). Once for every round, so a lock does.
 */
final class SyncPoints {
    private final int channels;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final BitSet arrived = new BitSet();
    private final BitSet ended = new BitSet();
    private int passed;
    private boolean over;

    SyncPoints(int channels) {
        this.channels = channels;
    }

    /** Channel {@code id} has applied its epoch; waits for the others and main. */
    void channelArrives(int id) throws IOException {
        lock.lock();
        try {
            int epoch = passed;
            arrived.set(id);
            changed.signalAll();
            while (passed == epoch && !over) {
                changed.await();
            }
            if (passed == epoch) {
                throw new IOException("the migration ended while channel %d waited for the others".formatted(id));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        } finally {
            lock.unlock();
        }
    }

    /** Channel {@code id} was closed by its peer between two packets. */
    void channelEnded(int id) {
        lock.lock();
        try {
            ended.set(id);
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Main has come to the mark of a sync point; waits for all channels and lets them go on. */
    void mainArrives() throws IOException {
        lock.lock();
        try {
            while (arrived.cardinality() < channels && !over) {
                for (int id = ended.nextSetBit(0); id >= 0; id = ended.nextSetBit(id + 1)) {
                    if (!arrived.get(id)) {
                        throw new IOException("multifd channel %d was closed after %d sync points, expected one more"
                                .formatted(id, passed));
                    }
                }
                changed.await();
            }
            if (over) {
                throw new IOException("the migration ended while main waited for the channels");
            }
            arrived.clear();
            passed++;
            changed.signalAll();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        } finally {
            lock.unlock();
        }
    }

    int passed() {
        lock.lock();
        try {
            return passed;
        } finally {
            lock.unlock();
        }
    }

    /** Nobody waits here any more. */
    void end() {
        lock.lock();
        try {
            over = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }
}
