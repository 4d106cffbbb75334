package org.transhume.engine.outgoing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.UUID;
import org.transhume.channels.qemu.Command;
import org.transhume.channels.qemu.DeviceTail;
import org.transhume.channels.qemu.HandoverRecord;
import org.transhume.channels.qemu.MainStreamWriter;
import org.transhume.engine.Clock;
import org.transhume.engine.MigrationState;
import org.transhume.memory.PageSize;

/**
 * The pause of a guest that goes on at the destination before all of its pages are there (spec: stream.md §8.3, control.md §6.7):
 * says which pages are old, then sends its devices and the word. The migration's thread.
 */
final class PostcopySwitch {
    private static final int RANGES = 1024;

    private final Passage passage;
    private final OutgoingPostcopy postcopy;
    private final PostcopyLink link;
    private final Figures figures;
    private final Stage stage;
    private final MainStreamWriter out;
    private final Clock clock;
    private final long[] ranges = new long[2 * RANGES];
    private int count;

    /** @param link what the guest's pages go over when it has moved */
    PostcopySwitch(Passage passage, OutgoingPostcopy postcopy, PostcopyLink link) {
        this.passage = passage;
        this.postcopy = postcopy;
        this.link = link;
        this.figures = passage.figures();
        this.stage = passage.stage();
        this.out = passage.out();
        this.clock = passage.config().clock();
    }

    /**
     * Returns once the destination was given the guest.
     *
     * @return what went wrong behind the word that lets it start, of which it cannot be known whether it arrived; null: nothing
     * @throws IOException before that word: the guest is here
     */
    IOException run() throws IOException {
        passage.endEpoch();
        stage.during("stopping the guest");
        final long begin = figures.paused();
        stage.pause(passage.guest());
        final long stopped = clock.nanos();
        long released = stopped;
        if (passage.config().pauseBeforeSwitchover()) {
            Switchover.hold(passage);
            released = clock.nanos();
        }
        stage.enter(new MigrationState.Device());
        passage.limits().lift();
        harvest();
        final long harvested = clock.nanos();
        stage.during("listing the old pages");
        if (passage.dialect().switchoverStart()) {
            out.command(new Command.SwitchoverStart());
        }
        discard();
        final long discarded = clock.nanos();
        stage.during("sending the devices");
        DeviceTail tail = passage.guest().saveDevices();
        postcopy.remember(tail);
        out.packaged(tail, postcopy.awaitPong(passage.echo().reserve(figures.unsent())));
        out.flush();
        passage.checkOrders();
        stage.during("handing over");
        IOException lost = handOver();
        final long sent = clock.nanos();
        passage.limits().postcopy();
        figures.postcopy();
        stage.enter(new MigrationState.PostcopyActive());
        postcopy.pause(begin, stopped, released, harvested, discarded, sent);
        return lost;
    }

    private void harvest() throws IOException {
        figures.endRound();
        passage.pending().harvest();
        passage.pending().keepNoHoles(passage.scanner().holesSentSoFar());
        figures.pass();
        figures.remaining(passage.scanner().remainingBytes());
        figures.beginRound(passage.pending().remainingPages());
    }

    private void discard() throws IOException {
        int blocks = passage.guest().memory().blocks().size();
        for (int block = 0; block < blocks; block++) {
            int here = block;
            try {
                passage.pending().forEachRun(block, (first, pages) -> add(here, first, pages));
            } catch (UncheckedIOException e) {
                throw e.getCause();
            }
            tell(block);
        }
    }

    private void add(int block, long first, long pages) {
        ranges[2 * count] = first * PageSize.BYTES;
        ranges[2 * count + 1] = pages * PageSize.BYTES;
        count++;
        if (count == RANGES) {
            try {
                tell(block);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    private void tell(int block) throws IOException {
        out.discard(block, Arrays.copyOf(ranges, 2 * count), count);
        count = 0;
    }

    /** The end of the package lets the destination start the guest; with x-handover it asks first. */
    private IOException handOver() throws IOException {
        Orders orders = passage.orders();
        if (!passage.config().handover()) {
            orders.handOver();
            postcopy.left();
            return said(out::run);
        }
        orders.offer();
        out.run();
        out.flush();
        UUID id = passage.answers().ready(passage.config().answerLimit());
        postcopy.named(id);
        orders.handOver();
        postcopy.left();
        return said(() -> out.handover(new HandoverRecord(HandoverRecord.Code.GRANT, id)));
    }

    private interface Word {
        void write() throws IOException;
    }

    private IOException said(Word word) {
        try {
            word.write();
            out.flush();
            postcopy.endEpoch(link);
            return null;
        } catch (IOException e) {
            return e;
        }
    }
}
