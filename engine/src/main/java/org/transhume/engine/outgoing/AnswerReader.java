package org.transhume.engine.outgoing;

import java.io.IOException;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.transhume.channels.Connection;
import org.transhume.channels.qemu.CorruptStreamException;
import org.transhume.channels.qemu.HandoverRecord;
import org.transhume.channels.qemu.ReturnPathMessage;
import org.transhume.channels.qemu.StreamReader;
import org.transhume.engine.Clock;
import org.transhume.engine.ConnectionSet;
import org.transhume.engine.Crew;
import org.transhume.engine.MigrationException;
import org.transhume.engine.Threads;
import org.transhume.engine.UrgentThread;
import org.transhume.engine.handover.SourceOwnership.Event;

/** Reads the return path in a thread of its own until its last message, or until the connection is closed. */
final class AnswerReader implements AutoCloseable {
    private final CompletableFuture<Integer> shut = new CompletableFuture<>();
    /** Opens with the first message, or with the end of the path. */
    private final Gate firstWord;
    /** Opens with the last message, or with the end of the path. */
    private final Gate last;
    /** Opens with the destination's consent to the switchover, or with the end of the path. */
    private final Gate consent;

    /** Opens when the destination has loaded everything and asks for the word, or with the end of the path. */
    private final Gate ready;

    private final Echo echo;
    private final Orders orders;
    private final ConnectionSet connections;
    private final OutgoingPostcopy postcopy;
    private final Thread thread;
    private volatile Gate awaited;
    private volatile boolean switchoverAcknowledged;
    private volatile UUID handover;

    /** @param postcopy hears what belongs to it; null: nothing may */
    AnswerReader(
            Connection connection,
            ConnectionSet connections,
            Echo echo,
            Orders orders,
            OutgoingPostcopy postcopy,
            Clock clock,
            Crew crew) {
        this.echo = echo;
        this.firstWord = new Gate(clock);
        this.ready = new Gate(clock);
        this.orders = orders;
        this.last = new Gate(clock);
        this.consent = new Gate(clock);
        this.connections = connections;
        this.postcopy = postcopy;
        thread = crew.start("answers", () -> read(connection));
    }

    /**
     * Waits until the destination said anything at all.
     *
     * @param limit zero is for ever
     * @return whether it did
     * @throws IOException what ended the path before it
     */
    boolean awaitFirstWord(Duration limit) throws IOException {
        if (limit.isZero()) {
            firstWord.await();
        } else if (!firstWord.await(limit)) {
            return false;
        }
        if (shut.isCompletedExceptionally()) {
            int _ = status(Duration.ofSeconds(1)); // it is there, and throws
        }
        return true;
    }

    /** Whether the last message came, or the path was lost before it. */
    boolean ended() throws IOException {
        return ended(Duration.ZERO);
    }

    /** As {@link #ended()}; waits for it. */
    boolean ended(Duration limit) throws IOException {
        return last.await(limit);
    }

    /** Whether the last message came, and says that the destination does not have the guest. */
    boolean refused() {
        return shut.isDone() && !shut.isCompletedExceptionally() && shut.join() != 0;
    }

    /** Whether the destination agreed that the guest be handed over. */
    boolean switchoverAcknowledged() {
        return switchoverAcknowledged;
    }

    /** Waits until the destination agrees, the path ends or {@code limit} is over. */
    void awaitSwitchoverAck(Duration limit) throws IOException {
        boolean _ = consent.await(limit);
    }

    /**
     * The status of SHUT; waits for it.
     *
     * @throws IOException what ended the path before it, or that it did not come within {@code limit}
     */
    int status(Duration limit) throws IOException {
        if (!last.await(limit)) {
            throw new IOException("the destination did not say within %s s whether it could load the guest"
                    .formatted(limit.toMillis() / 1000.0));
        }
        try {
            return shut.get();
        } catch (ExecutionException e) {
            throw new IOException(MigrationException.reasonOf(e.getCause()), e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while waiting for the destination's answer", e);
        }
    }

    /**
     * With {@code x-handover}: waits until the destination has loaded everything.
     *
     * @return the id of the hand-over
     * @throws IOException what ended the path before that, or that it did not come within {@code limit}
     */
    UUID ready(Duration limit) throws IOException {
        if (ready.await(limit) && handover == null) {
            throw new IOException("the destination could not load the guest (status %d)".formatted(status(limit)));
        }
        if (handover == null) {
            throw new IOException("the destination did not say within %s s that it has loaded the guest"
                    .formatted(limit.toMillis() / 1000.0));
        }
        return handover;
    }

    /**
     * Waits until {@code gate} is opened by what the destination says.
     *
     * @throws IOException what ended the path before that
     */
    void await(Gate gate) throws IOException {
        awaited = gate;
        if (!ended()) { // else it opened nothing
            gate.await();
        }
        awaited = null;
        if (ended()) {
            throw new IOException("the destination ended the recovery (status %d)".formatted(status(Duration.ZERO)));
        }
    }

    private void ready(HandoverRecord record, long at) {
        try {
            orders.after(Event.READY);
        } catch (IllegalStateException e) {
            throw new CorruptStreamException(
                    "return path",
                    at,
                    "READY at the wrong time (%s), expected once, with x-handover, when all was sent"
                            .formatted(e.getMessage()));
        }
        handover = record.id();
        ready.open();
    }

    private void read(Connection connection) {
        if (postcopy != null) {
            UrgentThread.become(); // it sends the pages that are asked for
        }
        try (StreamReader in = new StreamReader(connection, "return path")) {
            while (true) {
                long at = in.offset();
                ReturnPathMessage message = ReturnPathMessage.read(in);
                if (message == null) {
                    throw new IOException("the destination closed the return path without a word");
                }
                firstWord.open();
                switch (message) {
                    case ReturnPathMessage.Shut(int status) -> {
                        shut.complete(status);
                        return;
                    }
                    case ReturnPathMessage.SwitchoverAck _ -> {
                        switchoverAcknowledged = true;
                        consent.open();
                    }
                    case ReturnPathMessage.Handover(HandoverRecord record) -> ready(record, at);
                    case ReturnPathMessage.Pong(int value) -> {
                        echo.heard(value);
                        if (postcopy != null) {
                            postcopy.pong(value);
                        }
                    }
                    case ReturnPathMessage.RequestPages request
                    when postcopy != null -> postcopy.asked(request, in.channel(), at);
                    case ReturnPathMessage.ReceivedBitmap(String block)
                    when postcopy != null -> postcopy.received(block, in, at);
                    case ReturnPathMessage.ResumeAck(int status)
                    when postcopy != null -> postcopy.resumed(status, in, at);
                    case ReturnPathMessage.RequestPages _,
                            ReturnPathMessage.ReceivedBitmap _,
                            ReturnPathMessage.ResumeAck _ ->
                        throw in.corrupt(at, "%s before postcopy, expected none".formatted(message));
                }
            }
        } catch (Throwable t) {
            shut.completeExceptionally(t);
        } finally {
            firstWord.open();
            consent.open();
            last.open();
            if (postcopy != null) {
                postcopy.answersEnded();
            }
            ready.open();
            Gate waiting = awaited;
            if (waiting != null) {
                waiting.open();
            }
        }
    }

    /** Breaks the migration's connections, so that nothing is waited for any more, and joins the thread. */
    @Override
    public void close() {
        connections.breakAll();
        if (postcopy != null) {
            postcopy.stopAsking(); // the thread may wait for this one to send something
        }
        Threads.join(thread);
    }
}
