package org.transhume.engine.incoming;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import org.transhume.channels.Connection;
import org.transhume.channels.qemu.CorruptStreamException;
import org.transhume.channels.qemu.HandoverRecord;
import org.transhume.channels.qemu.ReturnPathMessage;
import org.transhume.engine.ConnectionSet;
import org.transhume.engine.MigrationException;
import org.transhume.engine.handover.Agreement;
import org.transhume.engine.handover.DestinationOwnership;
import org.transhume.engine.handover.DestinationOwnership.Event;

/**
 * The last step of loading: whether the guest that is here may be started (docs/decisions/0012). The migration's thread goes
 * through it; the acceptor's answers questions meanwhile, and anyone may give it up.
 */
final class Takeover implements AutoCloseable {
    /** Longest wait for the source's word, and then for its question: longer than it waits for an answer, and then asks. */
    static final Duration PATIENCE = Duration.ofSeconds(90);
    /** How soon whoever waits for the source sees that something else was decided. */
    private static final int SLICE_MILLIS = 50;
    /** Longest wait for a few bytes that must be on their way. */
    private static final Duration AT_ONCE = Duration.ofSeconds(1);

    private static final String CHANNEL = "main";

    private Connection main; // of the migration's thread, as is
    private long end;
    private final boolean early;
    private final BooleanSupplier comes;
    private final UUID id = UUID.randomUUID();
    private final ConnectionSet askers = new ConnectionSet();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private DestinationOwnership ownership; // guarded by lock
    private boolean ready; // guarded by lock
    private boolean over; // guarded by lock
    private boolean whole; // guarded by lock
    private String why =
            "the source was lost before it granted the guest, which does not run here and never will"; // guarded by
    // lock

    /**
     * @param main where the source says its words; null: they are {@linkplain #told brought} here
     * @param end of the stream on {@code main}: what the source may still say begins there
     * @param comes whether pages still come, so that it may be about to be {@link #whole}
     */
    Takeover(Agreement agreement, Connection main, long end, BooleanSupplier comes) {
        this.ownership = new DestinationOwnership(agreement);
        this.main = main;
        this.end = end;
        this.early = main == null;
        this.comes = comes;
    }

    /**
     * All is loaded, and holds whatever it was compared with. Returns once the guest may be started.
     *
     * @throws MigrationException if it may not and never will
     * @throws CorruptStreamException if the source says something else
     */
    void loaded(ReturnPath answers) throws IOException {
        after(Event.LOADED);
        if (state() == DestinationOwnership.State.WAITING) {
            sayReady(answers);
            awaitGrant();
        }
        if (state() != DestinationOwnership.State.GRANTED) {
            throw new MigrationException(reason());
        }
    }

    private void sayReady(ReturnPath answers) throws IOException {
        lock.lock();
        try {
            ready = true; // from here on it may be asked
        } finally {
            lock.unlock();
        }
        answers.send(new ReturnPathMessage.Handover(new HandoverRecord(HandoverRecord.Code.READY, id)));
    }

    private void awaitGrant() {
        if (main == null) {
            awaitWord();
            return;
        }
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        HandoverRecord word = null;
        try {
            while (state() == DestinationOwnership.State.WAITING && System.nanoTime() - deadline < 0) {
                if (main.awaitReadable(SLICE_MILLIS)) {
                    word = HandoverRecord.receive(main, AT_ONCE, CHANNEL, end);
                    break;
                }
            }
        } catch (IOException e) {
            // lost, as below
        }
        if (word == null) {
            after(Event.LOST);
            return;
        }
        granted(word);
        end += HandoverRecord.BYTES;
    }

    private void granted(HandoverRecord word) {
        if (word.code() != HandoverRecord.Code.GRANT || !word.id().equals(id)) {
            throw new CorruptStreamException(
                    CHANNEL, end, "%s of hand-over %s, expected GRANT of %s".formatted(word.code(), word.id(), id));
        }
        after(Event.GRANT);
    }

    private void awaitWord() {
        lock.lock();
        try {
            long left = PATIENCE.toNanos();
            while (ownership.state() == DestinationOwnership.State.WAITING && left > 0) {
                left = changed.awaitNanos(left);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            lock.unlock();
        }
        if (state() == DestinationOwnership.State.WAITING) {
            after(Event.LOST);
        }
    }

    /** The source said this in the middle of its stream. Any thread. */
    void told(HandoverRecord word) {
        granted(word); // what else it may say comes behind the end
    }

    /** The connection is lost: a source that said nothing yet will not say it any more. Any thread. */
    void lost() {
        if (state() == DestinationOwnership.State.WAITING) {
            after(Event.LOST);
        }
    }

    /** What the two sides call this hand-over; null where they need no name for it. */
    UUID id() {
        return state() == DestinationOwnership.State.LOADING || !mayBeAsked() ? null : id;
    }

    /** The guest runs, or stands because it arrived stopped. */
    void started() {
        after(Event.STARTED);
    }

    /** It could not be loaded or started. */
    void failed() {
        after(Event.FAILED);
    }

    /** The caller gives it up, if that is still possible; waits for nothing any more. Any thread. */
    void abort(String why) {
        lock.lock();
        try {
            over = true;
            if (!ownership.ours()) {
                ownership = ownership.after(Event.FAILED);
                this.why = why;
            }
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /**
     * In postcopy, all pages are there.
     *
     * @param last main connection; the source says there that it heard so, at {@code end} of what it said
     */
    void whole(Connection last, long end) {
        lock.lock();
        try {
            whole = true;
        } finally {
            lock.unlock();
        }
        this.main = last;
        this.end = end;
    }

    private boolean isWhole() {
        lock.lock();
        try {
            return whole;
        } finally {
            lock.unlock();
        }
    }

    /** The source was told. Waits until it heard that, was told on another connection, or cannot ask any more. */
    void settle() {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        if (!mayBeAsked()) {
            return;
        }
        try {
            // Null: given up before all pages came, so that there is no last word to hear.
            while (main != null && !over() && System.nanoTime() - deadline < 0) {
                if (main.awaitReadable(SLICE_MILLIS)) {
                    if (hears(main, end)) {
                        return;
                    }
                    break; // lost: it may ask
                }
            }
        } catch (IOException e) {
            // lost: it may ask
        }
        await(deadline);
    }

    private void await(long deadline) {
        lock.lock();
        try {
            long left = deadline - System.nanoTime();
            while (!over && left > 0) {
                left = changed.awaitNanos(left);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            lock.unlock();
        }
    }

    /** Whether the source can have lost an answer, so that its questions are to be brought here. Any thread. */
    boolean mayBeAsked() {
        lock.lock();
        try {
            return ready;
        } finally {
            lock.unlock();
        }
    }

    /** As {@link #asked(Connection, MemorySegment)}, with nothing read. */
    void asked(Connection from) {
        asked(from, MemorySegment.NULL);
    }

    /**
     * Somebody connected: answers if it is the source and asks. Closes {@code from}. The thread that accepted it.
     *
     * @param first what was read from it already
     */
    void asked(Connection from, MemorySegment first) {
        askers.add(from);
        try (from) {
            HandoverRecord question = HandoverRecord.receive(from, first, AT_ONCE, "question", 0);
            if (question == null
                    || question.code() != HandoverRecord.Code.ASK
                    || !question.id().equals(id)) {
                return;
            }
            HandoverRecord.Code answer = answer();
            if (answer == null) {
                return; // it asks again
            }
            new HandoverRecord(answer, id).send(from);
            boolean asksAgain = early && answer == HandoverRecord.Code.RUNS; // whether all came, when it has sent it
            if (hears(from, HandoverRecord.BYTES) && !asksAgain) {
                finish();
            }
        } catch (IOException | CorruptStreamException e) {
            // Not our source, or lost again.
        } finally {
            askers.drop(from);
        }
    }

    /**
     * A source that asks has lost its connection, which may not be known here yet: whether all came shows in a moment.
     *
     * @return null if the guest is still being started
     */
    private HandoverRecord.Code answer() {
        after(Event.ASKED);
        lock.lock();
        try {
            long left = AT_ONCE.toNanos();
            while (left > 0 && (!ownership.settled() || (!whole && comes.getAsBoolean()))) {
                long slice = Math.min(left, TimeUnit.MILLISECONDS.toNanos(SLICE_MILLIS));
                left -= slice - changed.awaitNanos(slice);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            lock.unlock();
        }
        return switch (state()) {
            case RUNS -> isWhole() ? HandoverRecord.Code.WHOLE : HandoverRecord.Code.RUNS;
            case RENOUNCED -> HandoverRecord.Code.RENOUNCED;
            case LOADING, WAITING, GRANTED -> null;
        };
    }

    private boolean hears(Connection from, long offset) {
        try {
            HandoverRecord word = HandoverRecord.receive(from, AT_ONCE, CHANNEL, offset);
            return word != null
                    && word.code() == HandoverRecord.Code.HEARD
                    && word.id().equals(id);
        } catch (IOException | CorruptStreamException e) {
            return false;
        }
    }

    private void finish() {
        lock.lock();
        try {
            over = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void after(Event event) {
        lock.lock();
        try {
            ownership = ownership.after(event);
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private boolean over() {
        lock.lock();
        try {
            return over;
        } finally {
            lock.unlock();
        }
    }

    private String reason() {
        lock.lock();
        try {
            return why;
        } finally {
            lock.unlock();
        }
    }

    private DestinationOwnership.State state() {
        lock.lock();
        try {
            return ownership.state();
        } finally {
            lock.unlock();
        }
    }

    /** Wakes the acceptor. */
    @Override
    public void close() {
        askers.close();
    }
}
