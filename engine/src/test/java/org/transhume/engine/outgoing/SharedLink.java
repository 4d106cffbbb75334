package org.transhume.engine.outgoing;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import org.transhume.engine.Clock;

/** Migrations that send through a {@link BandwidthBudget} in virtual time, all in one thread: whatever happens, happens again. */
final class SharedLink {
    private static final double NANOS_PER_SECOND = 1e9;

    /** Stands still unless the link moves it on. */
    private static final class HandClock implements Clock {
        private long now = 7;

        @Override
        public long nanos() {
            return now;
        }

        @Override
        public void await(Condition condition, long nanos) {
            throw new AssertionError("a step waited");
        }
    }

    /** One that sends batch after batch. */
    final class Sender {
        final BandwidthBudget.Share share = budget.share();
        private final long batch;
        private final double packed;
        private final double demand;
        private long from;
        private long until;
        private long readyAt;
        private boolean waits;
        long sent;

        private Sender(long batch, double packed, double demand, long from, long until) {
            this.batch = batch;
            this.packed = packed;
            this.demand = demand;
            this.from = from;
            this.until = until;
            this.readyAt = from;
        }

        private void ask() {
            if (from >= 0 && readyAt >= from && clock.now >= from) {
                share.enter();
                from = -1;
            }
            share.queue();
            waits = true;
        }

        private void send() {
            long actual = (long) (batch * packed);
            share.take(batch);
            waits = false;
            share.unqueue();
            share.settle(batch, actual);
            sent += actual;
            sum += actual;
            readyAt = demand == 0 ? clock.now : Math.max(readyAt + (long) (actual * NANOS_PER_SECOND / demand), 0);
            double spare = sum - rate * (clock.now - begin) / NANOS_PER_SECOND;
            overdrawn = Math.max(overdrawn, spare);
            lowest = Math.min(lowest, spare - actual);
            burst = Math.max(burst, spare - lowest);
        }

        private void end() {
            if (waits) {
                share.unqueue();
                waits = false;
            }
            share.leave();
            readyAt = Long.MAX_VALUE;
            until = Long.MAX_VALUE;
        }
    }

    final HandClock clock = new HandClock();
    final BandwidthBudget budget;
    final List<Sender> senders = new ArrayList<>();
    private final long rate;
    private final long begin = clock.now;
    private double lowest;
    /** Bytes sent in all. */
    long sum;
    /** The most that was sent beyond what the time since the beginning is worth. */
    double overdrawn;
    /** The same, of any stretch of time. */
    double burst;

    SharedLink(long rate) {
        this.rate = rate;
        this.budget = new BandwidthBudget(rate, clock);
    }

    /** Sends whenever it may. */
    Sender hungry(long batch) {
        return sender(batch, 1, 0, 0, Long.MAX_VALUE);
    }

    /**
     * @param packed what becomes of a reserved byte
     * @param demand bytes per second that it wants to send; 0: as many as it can
     * @param from nanoseconds from now
     * @param until nanoseconds from now, when it has done
     */
    Sender sender(long batch, double packed, double demand, long from, long until) {
        Sender sender = new Sender(
                batch, packed, demand, clock.now + from, until == Long.MAX_VALUE ? until : clock.now + until);
        senders.add(sender);
        return sender;
    }

    /** Lets time pass. */
    void run(long nanos) {
        long end = clock.now + nanos;
        budget.lock.lock();
        try {
            while (clock.now < end) {
                long next = end;
                Sender turn = null;
                for (Sender sender : senders) {
                    if (sender.until <= clock.now) {
                        sender.end();
                    } else if (!sender.waits && sender.readyAt <= clock.now) {
                        sender.ask();
                    }
                    if (!sender.waits) {
                        next = Math.min(next, Math.min(sender.readyAt, sender.until));
                    }
                }
                for (Sender sender : senders) {
                    if (sender.waits) {
                        long wait = sender.share.untilTurn();
                        turn = wait == 0 && turn == null ? sender : turn;
                        next = Math.min(next, wait > end - clock.now ? end : clock.now + wait);
                        next = Math.min(next, sender.until);
                    }
                }
                if (turn == null) {
                    clock.now = next;
                } else {
                    turn.send();
                }
            }
        } finally {
            budget.lock.unlock();
        }
    }
}
