package org.transhume.engine.outgoing;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.function.BooleanSupplier;
import org.transhume.channels.qemu.Command;
import org.transhume.channels.qemu.CorruptStreamException;
import org.transhume.channels.qemu.DeviceTail;
import org.transhume.channels.qemu.HandoverRecord;
import org.transhume.channels.qemu.MainStreamWriter;
import org.transhume.channels.qemu.ReceivedPages;
import org.transhume.channels.qemu.ReturnPathMessage;
import org.transhume.channels.qemu.SectionKind;
import org.transhume.channels.qemu.StreamReader;
import org.transhume.engine.BackgroundThread;
import org.transhume.engine.ConnectionSet;
import org.transhume.engine.MigrationException;
import org.transhume.engine.MigrationState;
import org.transhume.engine.handover.SourceOwnership;
import org.transhume.engine.handover.SourceOwnership.Event;
import org.transhume.memory.PageSize;
import org.transhume.memory.RamBlock;

/**
 * The time in which the guest runs at the destination and its pages follow (spec: stream.md §8.3 to §8.5): the rest in order, those
 * that are asked for first. Connections are lost, and others take their place when the caller says where; then the destination
 * says what came. The migration's thread works here; the return path's brings what the destination says, and the caller's
 * orders come from any.
 */
final class OutgoingPostcopy implements AutoCloseable {
    private static final double NANOS_PER_MILLI = 1e6;
    /** For what came before the end of a connection. */
    private static final Duration LAST_WORD = Duration.ofSeconds(1);
    /** As long as it takes. */
    private static final Duration EVER = Duration.ofDays(10_000);

    /** Makes the connections of a link. */
    interface Connector {
        /** The main one; throws if the destination is not there. */
        PostcopyLink connect(Dialer dialer) throws IOException;

        /** What its pages go over, once the destination wants them. */
        void pages(PostcopyLink link) throws IOException;

        /** On one of its own: what became of the guest? */
        Inquiry.Answer ask(UUID handover) throws IOException;

        /** One for pages that are asked for. */
        UrgentChannel urgent() throws IOException;
    }

    private final OutgoingConfig config;
    private final List<RamBlock> blocks;
    private final ConnectionSet connections;
    private final Orders orders;
    private final Stage stage;
    private final Figures figures;
    private final PendingPages pending;
    private final UrgentPages urgent;
    private final SendWindow window;
    private MainStreamWriter out; // of the link that is sent over
    private final Echo echo;
    private final ReleasedPages released; // null: none is given back
    private volatile int answered;
    private final boolean urgentEndIsSaid;
    private final Connector connector;

    private volatile int pong = -1; // of the package
    private volatile boolean begun;
    private volatile boolean left;
    private volatile boolean whole;
    private volatile boolean pausedByCaller;
    private volatile boolean recovering;
    private volatile OutgoingReport.Downtime partial;
    private volatile long pauseBegan;
    private boolean mayBeWhole; // written under calls: everything was sent over this link, and its end at least begun
    private DeviceTail devices;
    private UUID id;

    private final Gate bitmaps;
    private final Gate resumed;
    private int bitmap; // of the return path's thread: the block whose bitmap comes next

    private final Object calls = new Object();
    private Dialer next; // guarded by calls
    private String abandoned; // guarded by calls

    /** @param urgentEndIsSaid whether the destination waits for a mark at the end of the channel of requested pages */
    OutgoingPostcopy(
            OutgoingConfig config,
            List<RamBlock> blocks,
            ConnectionSet connections,
            Orders orders,
            Stage stage,
            Figures figures,
            PendingPages pending,
            UrgentPages urgent,
            SendWindow window,
            Echo echo,
            boolean urgentEndIsSaid,
            Connector connector) {
        this.config = config;
        this.blocks = blocks;
        this.connections = connections;
        this.orders = orders;
        this.stage = stage;
        this.figures = figures;
        this.pending = pending;
        this.urgent = urgent;
        this.window = window;
        this.echo = echo;
        this.released = config.postcopy().release() ? new ReleasedPages(blocks) : null;
        this.urgentEndIsSaid = urgentEndIsSaid;
        this.connector = connector;
        this.bitmaps = new Gate(config.clock());
        this.resumed = new Gate(config.clock());
    }

    // What the pause tells.

    /** These are the guest's devices. */
    void remember(DeviceTail tail) {
        devices = tail;
    }

    /** The destination says {@code number} when it has the guest. */
    int awaitPong(int number) {
        pong = number;
        return number;
    }

    /** The two sides call it that. */
    void named(UUID handover) {
        id = handover;
    }

    /** What lets the destination start the guest is about to be sent: a connection that is lost from here on is replaced. */
    void left() {
        left = true;
    }

    /** Whether that is so. Any thread. */
    boolean hasLeft() {
        return left;
    }

    /** The pause as far as it shows here; it ends when the destination says so. Times are the clock's. */
    void pause(long begin, long stopped, long released, long harvested, long discarded, long sent) {
        pauseBegan = begin;
        OutgoingReport.Downtime known = new OutgoingReport.Downtime(
                (sent - begin) / NANOS_PER_MILLI,
                0,
                (stopped - begin) / NANOS_PER_MILLI,
                (released - stopped) / NANOS_PER_MILLI,
                (harvested - released) / NANOS_PER_MILLI,
                (discarded - harvested) / NANOS_PER_MILLI,
                (sent - discarded) / NANOS_PER_MILLI,
                0,
                0);
        figures.downtime(known);
        partial = known;
        begun = true;
    }

    // What the destination says, in the return path's thread.

    void asked(ReturnPathMessage.RequestPages request, String path, long at) throws IOException {
        if (pong < 0) {
            throw new CorruptStreamException(path, at, "request for pages, but the guest does not run there");
        }
        urgent.asked(request, path, at);
    }

    /** Nobody sends any more what is asked for on this connection. Any thread. */
    void stopAsking() {
        urgent.stop();
    }

    void received(String block, StreamReader in, long at) throws IOException {
        if (!recovering || bitmap == blocks.size() || !blocks.get(bitmap).name().equals(block)) {
            throw in.corrupt(
                    at,
                    "bitmap of block '%s', expected %s"
                            .formatted(
                                    block,
                                    recovering && bitmap < blocks.size()
                                            ? "that of '%s'"
                                                    .formatted(
                                                            blocks.get(bitmap).name())
                                            : "none"));
        }
        int index = bitmap;
        ReceivedPages.read(in, blocks.get(index).pages(), (first, came) -> {
            if (released != null && (released.gone(index, first) & ~came) != 0) {
                throw in.corrupt(
                        at,
                        "pages of block '%s' at 0x%x never came, says the destination, which has confirmed them before"
                                .formatted(block, first * PageSize.BYTES));
            }
            pending.missing(index, first, came);
        });
        bitmap++;
        if (bitmap == blocks.size()) {
            bitmaps.open();
        }
    }

    void resumed(int status, StreamReader in, long at) {
        if (!recovering || bitmap < blocks.size() || status != 1) {
            throw in.corrupt(at, "RESUME_ACK %d, expected 1 behind the bitmaps of a recovery".formatted(status));
        }
        resumed.open();
    }

    /** The destination says no more. */
    void answersEnded() {
        urgent.hurry();
    }

    void pong(int value) {
        answered = value;
        window.answered(value);
        if (value == pong) {
            orders.after(Event.LOADED);
            synchronized (calls) {
                if (pausedByCaller) {
                    breakOff();
                }
            }
            OutgoingReport.Downtime known = partial;
            long now = config.clock().nanos();
            if (known != null) {
                double total = (now - pauseBegan) / NANOS_PER_MILLI;
                figures.downtime(new OutgoingReport.Downtime(
                        total,
                        known.predicted(),
                        known.stop(),
                        known.held(),
                        known.lastHarvest(),
                        known.lastPages(),
                        known.devices(),
                        0,
                        total - known.total()));
            }
        }
    }

    // What the caller wants, from any thread.

    /** As {@link OutgoingMigration#pausePostcopy}. */
    boolean pause() {
        MigrationState now = stage.state();
        if (!(now instanceof MigrationState.PostcopyActive) && !(now instanceof MigrationState.PostcopyRecover)) {
            return false;
        }
        synchronized (calls) {
            if (mayBeWhole && id == null) {
                return false; // nothing is left to hold back, and a lost answer could not be asked for again
            }
            pausedByCaller = true; // in front of the look, as the answer is in front of its own
        }
        if (orders.ownership().state() != SourceOwnership.State.HANDED_OVER) {
            breakOff();
        } // else a destination that is loading the guest would be lost, and the guest with it: when it has said that it
        // runs
        return true;
    }

    private void breakOff() {
        connections.breakAll();
        urgent.hurry(); // whoever waits for room under the cap shall see it
    }

    /** As {@link OutgoingMigration#resume}. */
    boolean resume(Dialer dialer) {
        synchronized (calls) {
            if (!(stage.state() instanceof MigrationState.PostcopyPaused) || next != null) {
                return false;
            }
            next = dialer;
            calls.notifyAll();
            return true;
        }
    }

    /** As {@link OutgoingMigration#abandon}. */
    void abandon(String why) {
        synchronized (calls) {
            abandoned = why;
            calls.notifyAll();
        }
        if (begun) {
            connections.breakAll();
        }
    }

    /** Whether the guest was handed over, and not all of it came there. */
    boolean incomplete() {
        return begun && !whole;
    }

    DeviceTail devices() {
        return devices;
    }

    /** Whether the page at {@code offset} was not given back. */
    boolean isHere(int block, long offset) {
        long page = offset / PageSize.BYTES;
        return released == null || (released.gone(block, page & -Long.SIZE) >>> page & 1) == 0;
    }

    /** Hears of pages on their way; null: need not. */
    Scanner.SentRuns runs() {
        return released == null ? null : released::sent;
    }

    /** Null without {@code x-handover}. */
    UUID id() {
        return id;
    }

    // What the migration's thread does.

    /**
     * Sends everything that is pending, however often the connection is lost.
     *
     * @param first what the guest was handed over on; closed here
     * @param alreadyLost what went wrong with it; null: nothing
     * @throws MigrationException if the caller gives it up
     * @throws IOException if the destination refused the guest
     */
    void run(PostcopyLink first, IOException alreadyLost) throws IOException {
        PostcopyLink link = first;
        BackgroundThread.become();
        try {
            while (true) {
                try {
                    if (link == first && alreadyLost != null) {
                        throw alreadyLost;
                    }
                    send(link);
                    return;
                } catch (IOException | MigrationException | CorruptStreamException lost) {
                    hearOut(link);
                    link.close();
                    if (settle(lost)) {
                        return;
                    }
                    link = recover(lost);
                }
            }
        } finally {
            if (link != null) {
                link.close();
            }
            urgent.stop();
        }
    }

    private void send(PostcopyLink link) throws IOException {
        stage.during("sending pages after the guest");
        window.begin(link.out().offset());
        out = link.out();
        boolean done = false;
        while (!done) {
            checkAnswers(link);
            link.out().section(SectionKind.PART);
            while (urgent.take()) {
                link.scanner().sendFirst(urgent.takenBlock(), urgent.takenPage());
            }
            done = (!windowed() || window.open(link.out().offset()))
                    && link.scanner().scan(config.clock().nanos() + Passage.SLICE_NANOS)
                    && !urgent.waiting();
            link.out().endOfSection();
            link.out().flush();
            giveBack(link);
            awaitRoom(link);
            figures.sliceSent();
            figures.remaining(pending.remainingPages() * PageSize.BYTES);
        }
        endEpoch(link);
        link.endUrgent(urgentEndIsSaid);
        beginEnd();
        link.out().section(SectionKind.END);
        link.out().endOfSection();
        link.out().endOfPostcopy();
        link.out().flush();
        figures.endRound();
        figures.remaining(0);
        int status = link.answers().status(EVER);
        if (id != null) {
            heard(link);
        }
        if (status != 0) {
            orders.after(Event.REFUSED);
            throw new IOException("the destination could not take the guest (status %d)".formatted(status));
        }
        orders.after(Event.LOADED);
        whole = true;
    }

    /** In front of it: what is written when the connection breaks may arrive all the same. */
    private void beginEnd() throws IOException {
        synchronized (calls) {
            if (pausedByCaller && id == null) {
                if (orders.ownership().state() != SourceOwnership.State.HANDED_OVER) {
                    throw new IOException(MigrationState.PostcopyPaused.BY_CALLER);
                }
                pausedByCaller = false; // all is sent before it could take effect
            }
            mayBeWhole = true;
        }
    }

    /** On the main channel; others are not asked one by one. */
    private boolean windowed() {
        return config.channels() == 0;
    }

    private void awaitRoom(PostcopyLink link) throws IOException {
        if (!windowed()) {
            return;
        }
        if (window.due(link.out().offset())) {
            int question = echo.reserve(figures.unsent());
            window.asked(question, link.out().offset());
            link.out().command(new Command.Ping(question));
            link.out().flush();
        }
        window.await(link.out().offset());
    }

    /** Nothing depends on it: the destination need not wait for a question then. */
    private void heard(PostcopyLink link) {
        try {
            link.out().handover(new HandoverRecord(HandoverRecord.Code.HEARD, id));
            link.out().flush();
        } catch (IOException e) {
            // It waits, then.
        }
    }

    /**
     * With page channels: what they brought is in its place before what comes next on the main channel, and what they bring
     * from here on is not before.
     */
    void endEpoch(PostcopyLink link) throws IOException {
        if (config.channels() > 0) {
            link.out().section(SectionKind.PART);
            link.scanner().sync();
            link.out().multifdFlush();
            link.out().endOfSection();
            link.out().flush();
        }
    }

    /** With capability release-ram: what the destination has confirmed. */
    private void giveBack(PostcopyLink link) throws IOException {
        if (released == null || !orders.ownership().theirs()) {
            return;
        }
        released.confirmed(answered);
        if (released.unasked()) {
            endEpoch(link);
            echo.ask(link.out(), figures.unsent());
            released.asked(echo.asked());
        }
    }

    private static void checkAnswers(PostcopyLink link) throws IOException {
        if (link.answers().ended()) {
            throw new IOException("the destination ended the migration before it was complete (status %d)"
                    .formatted(link.answers().status(Duration.ZERO)));
        }
    }

    /** A destination that could not take the guest said so before it hung up; with x-handover it waits to be asked. */
    private void hearOut(PostcopyLink link) throws IOException {
        if (id == null
                && orders.ownership().state() == SourceOwnership.State.HANDED_OVER
                && link.answers().ended(LAST_WORD)
                && link.answers().refused()) {
            orders.after(Event.REFUSED);
        }
    }

    /**
     * A connection is lost: who has the guest, and is it whole there?
     *
     * @return whether nothing is left to do
     * @throws IOException if it is here
     */
    private boolean settle(Exception lost) throws IOException {
        if (orders.ownership().state() == SourceOwnership.State.HANDED_OVER) {
            orders.after(Event.LOST);
        }
        boolean asking = orders.ownership().state() == SourceOwnership.State.ASKING;
        if (asking || (mayBeWhole && id != null)) {
            Inquiry.Answer answer = connector.ask(id);
            if (asking) {
                orders.after(answer.event);
            }
            whole = answer == Inquiry.Answer.WHOLE;
        }
        if (orders.ownership().ours()) {
            throw new IOException(MigrationException.reasonOf(lost), lost);
        }
        synchronized (calls) {
            mayBeWhole = false;
        }
        return whole;
    }

    /** Waits until the caller says where to go on, and there is somebody. */
    private PostcopyLink recover(Exception lost) {
        String reason = MigrationException.reasonOf(lost);
        while (true) {
            Dialer dialer = awaitCaller(pausedByCaller ? MigrationState.PostcopyPaused.BY_CALLER : reason);
            PostcopyLink link = null;
            try {
                stage.enter(new MigrationState.PostcopyRecoverSetup());
                if (released != null) {
                    released.lost();
                }
                pending.forgetAll();
                urgent.forget();
                urgent.begin();
                bitmap = 0;
                bitmaps.shut();
                resumed.shut();
                recovering = true;
                link = connector.connect(dialer);
                stage.enter(new MigrationState.PostcopyRecover());
                compare(link);
                recovering = false;
                stage.enter(new MigrationState.PostcopyActive());
                connector.pages(link);
                return link;
            } catch (IOException | MigrationException | CorruptStreamException e) {
                if (link != null) {
                    link.close();
                }
                recovering = false;
                reason = MigrationException.reasonOf(e);
            }
        }
    }

    /** @throws MigrationException if the caller gives it up */
    private Dialer awaitCaller(String reason) {
        stage.during("waiting for another connection");
        synchronized (calls) {
            next = null;
            pausedByCaller = false;
            stage.enter(new MigrationState.PostcopyPaused(reason));
            while (next == null && abandoned == null) {
                try {
                    calls.wait();
                } catch (InterruptedException e) {
                    // nobody who may end this does it so
                }
            }
            if (abandoned != null) {
                throw new MigrationException("%s; %s".formatted(abandoned, reason));
            }
            return next;
        }
    }

    private void compare(PostcopyLink link) throws IOException {
        stage.during("comparing what came");
        for (RamBlock block : blocks) {
            link.out().command(new Command.RecvBitmap(block.name()));
        }
        link.out().flush();
        link.answers().await(bitmaps);
        orders.after(Event.RESUMED);
        figures.remaining(pending.remainingPages() * PageSize.BYTES);
        urgentChannel(link); // the destination asks as soon as it is told to go on
        link.out().command(new Command.PostcopyResume());
        link.out().flush();
        link.answers().await(resumed);
    }

    /** Whether the migration's thread has to do something else before it sends on: a page that is waited for, or a question. */
    BooleanSupplier urgentWaits() {
        return () -> urgent.waiting() || (windowed() && window.due(out.offset()));
    }

    /** With capability postcopy-preempt, or where pages have other channels anyway: a channel for what is asked for from here on. */
    void urgentChannel(PostcopyLink link) throws IOException {
        if (config.postcopy().preempt() || config.channels() > 0) {
            urgentChannel(link, connector.urgent());
        }
    }

    /** As {@link #urgentChannel(PostcopyLink)}, over one that was made before. */
    void urgentChannel(PostcopyLink link, UrgentChannel channel) {
        link.urgent(channel);
        urgent.over(channel);
    }

    /** Frees what it knows of pages; nobody asks any more. */
    @Override
    public void close() {
        if (released != null) {
            released.close();
        }
    }
}
