package org.transhume.engine.incoming;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.BitSet;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.transhume.channels.Connection;
import org.transhume.channels.qemu.MainStreamParser;
import org.transhume.channels.qemu.PageRecordReader;
import org.transhume.channels.qemu.PostcopyPackage;
import org.transhume.channels.qemu.ReturnPathMessage;
import org.transhume.channels.qemu.StreamReader;
import org.transhume.engine.ConnectionSet;
import org.transhume.engine.MigrationException;
import org.transhume.engine.MigrationState;
import org.transhume.engine.UrgentThread;

/**
 * The time in which the guest runs here and its pages still come (spec: stream.md §8.3 to §8.5). Connections are lost, and others
 * take their place; whatever goes wrong on one of them, nothing that came is given up. Any thread.
 */
final class IncomingPostcopy implements AutoCloseable {
    /** With a record of the main stream a recovery begins, with the address of a page a channel for requested ones. */
    private static final byte COMMAND = 8;
    /** How much later than the end of the main stream the first byte of another channel for pages may be read. */
    private static final long GRACE_NANOS = 1_000_000_000;

    private enum Phase {
        /** Pages come. */
        MOVING,
        /** There is no connection. */
        PAUSED,
        /** There is another one, and the source asks what came. */
        RECOVERING,
        /** All pages are there. */
        WHOLE,
        /** The caller gave it up. */
        GIVEN_UP
    }

    private final PostcopyPackage whole;
    private final PostcopyRam ram;
    private final IncomingConfig config;
    private final ConnectionSet connections;
    private final Consumer<MigrationState> states;
    private final Runnable unconnected;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private volatile Phase phase = Phase.MOVING; // written under lock
    private boolean pausedByCaller; // guarded by lock
    private boolean runs; // guarded by lock
    private int link; // guarded by lock: counts main connections
    private int bringing; // guarded by lock: channels of this link beside the main one that may bring pages
    private SyncPoints syncs; // guarded by lock: of this link
    private final BitSet channelIds = new BitSet(); // guarded by lock: of this link's page channels
    private volatile boolean mainEnded; // of this link
    private String reason; // guarded by lock
    private final MainLoader loader;
    private MainStreamParser parser; // guarded by lock
    private ReturnPath answers; // guarded by lock
    private Connection current; // guarded by lock; null: the first

    /**
     * @param whole what starts the guest
     * @param ram owned from here on
     * @param loader takes what comes over main connections
     * @param parser of the first of them
     * @param syncs where page channels wait for each other now
     * @param states hears of what becomes of the migration
     * @param unconnected hears that a connection is lost
     */
    IncomingPostcopy(
            PostcopyPackage whole,
            PostcopyRam ram,
            IncomingConfig config,
            ConnectionSet connections,
            MainLoader loader,
            MainStreamParser parser,
            SyncPoints syncs,
            Consumer<MigrationState> states,
            Runnable unconnected) {
        this.whole = whole;
        this.ram = ram;
        this.config = config;
        this.connections = connections;
        this.loader = loader;
        this.parser = parser;
        this.syncs = syncs;
        this.states = states;
        this.unconnected = unconnected;
    }

    /** Whoever hears that it began finds it: {@code known} is run before anybody does, and nothing is lost in between. */
    void begins(Runnable known) {
        lock.lock();
        try {
            known.run();
            states.accept(new MigrationState.PostcopyActive());
        } finally {
            lock.unlock();
        }
    }

    PostcopyPackage whole() {
        return whole;
    }

    PostcopyRam ram() {
        return ram;
    }

    /** The guest runs. The source is told on the first connection, if that is still there. */
    void started(ReturnPath first) {
        try {
            for (int ping : whole.pings()) {
                first.send(new ReturnPathMessage.Pong(ping));
            }
        } catch (IOException e) {
            // The reader of the connection sees it, too; the source learns it when it comes back.
        }
        lock.lock();
        try {
            runs = true;
            if (pausedByCaller) {
                connections.breakAll();
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * Something that belongs to connection {@code number} failed: nothing more comes over it, and the guest goes on with what
     * is here.
     */
    void lost(int number, Throwable why) {
        lock.lock();
        try {
            if (number != link || (phase != Phase.MOVING && phase != Phase.RECOVERING)) {
                return;
            }
            reason = pausedByCaller ? MigrationState.PostcopyPaused.BY_CALLER : MigrationException.reasonOf(why);
            pausedByCaller = false;
            ram.unroute();
            syncs.end();
            connections.breakAll();
            unconnected.run();
            phase = Phase.PAUSED;
            states.accept(new MigrationState.PostcopyPaused(reason));
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** As {@link IncomingMigration#pausePostcopy}. */
    boolean pause() {
        lock.lock(); // a stream that has ended is answered, or it is paused
        try {
            if (phase != Phase.MOVING && phase != Phase.RECOVERING) {
                return false;
            }
            pausedByCaller = true;
            if (runs) {
                connections.breakAll();
            } // else the guest is still its source's, and the migration would fail: as soon as it runs here
            return true;
        } finally {
            lock.unlock();
        }
    }

    boolean paused() {
        return phase == Phase.PAUSED;
    }

    /** Whether pages may come over the connections that there are, or the last of them just did. */
    boolean comes() {
        return switch (phase) {
            case MOVING, RECOVERING, WHOLE -> true;
            case PAUSED, GIVEN_UP -> false;
        };
    }

    /** The caller wants no more of it; the guest is not to be let go on before that is known to it. */
    void giveUp(String why) {
        lock.lock();
        try {
            if (phase != Phase.WHOLE) {
                reason = why;
                phase = Phase.GIVEN_UP;
                changed.signalAll();
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * A connection behind the first: the source's when it comes back, or one for requested pages. Returns when it has ended.
     *
     * @param first bytes that were read from it already
     */
    void connected(Connection connection, MemorySegment first) {
        boolean comesBack;
        int number;
        lock.lock();
        try {
            comesBack = phase == Phase.PAUSED && first.get(ValueLayout.JAVA_BYTE, 0) == COMMAND;
            if (!comesBack && (phase != Phase.MOVING || !urgentExpected())) {
                connections.drop(connection);
                return;
            }
            if (comesBack) {
                link++;
                bringing = 0;
                channelIds.clear();
                syncs = new SyncPoints(config.channels());
                loader.syncs(syncs);
                mainEnded = false;
                phase = Phase.RECOVERING;
                states.accept(new MigrationState.PostcopyRecover());
            } else {
                bringing++;
                changed.signalAll();
            }
            number = link;
        } finally {
            lock.unlock();
        }
        if (comesBack) {
            recover(connection, first, number);
        } else {
            takeUrgent(connection, first, number);
        }
    }

    private boolean urgentExpected() {
        return config.postcopy().preempt() || config.channels() > 0;
    }

    /**
     * A page channel goes on that was there before the guest ran, or one of a source that came back begins.
     *
     * @return the connection it belongs to, for {@link #lost} and {@link #channelEnded}
     */
    int channelBegan() {
        lock.lock();
        try {
            bringing++;
            return link;
        } finally {
            lock.unlock();
        }
    }

    /** Nothing more comes over a channel of connection {@code number}. */
    void channelEnded(int number) {
        lock.lock();
        try {
            if (number == link) {
                bringing--;
            }
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /**
     * A page channel of a source that came back.
     *
     * @return where it waits for the others
     * @throws MigrationException if it is not expected now
     */
    SyncPoints channelBack(int id) {
        lock.lock();
        try {
            if (phase != Phase.MOVING || link == 0 || channelIds.get(id)) {
                throw new MigrationException(
                        "multifd channel %d connected again, expected each once behind a recovery".formatted(id));
            }
            channelIds.set(id);
            return syncs;
        } finally {
            lock.unlock();
        }
    }

    /** The main connection of now. */
    Connection main(Connection first) {
        lock.lock();
        try {
            return current == null ? first : current;
        } finally {
            lock.unlock();
        }
    }

    private void recover(Connection connection, MemorySegment first, int number) {
        connections.identify(connection, ConnectionSet.MAIN);
        ReturnPath path = new ReturnPath(connection);
        path.open();
        try (StreamReader in = new StreamReader(connection, "main", first)) {
            in.limitWaits(config.stallLimit(), config.silenceLimit());
            connection.limitWrites("return path", config.stallLimit());
            MainStreamParser next;
            lock.lock();
            try {
                next = parser.resumed(in);
                parser = next;
                if (answers != null) {
                    answers.close();
                }
                answers = path;
                current = connection;
            } finally {
                lock.unlock();
            }
            next.parse();
            mainEnded(number);
        } catch (Throwable t) {
            lost(number, t);
        } finally {
            loader.leave();
        }
    }

    /** The source wants to know what came of a block. */
    void tellWhatCame(String block) throws IOException {
        LoadedRam loaded = ram.loaded();
        int index = loaded.index(block);
        long pages = loaded.memory().blocks().get(index).pages();
        way().received(block, pages, firstPage -> loaded.cameOf64(index, firstPage));
    }

    /** The source knows what came, and goes on. */
    void resumed() throws IOException {
        ReturnPath path = way();
        lock.lock();
        try {
            if (phase == Phase.RECOVERING) {
                phase = Phase.MOVING;
                states.accept(new MigrationState.PostcopyActive());
            }
        } finally {
            lock.unlock();
        }
        path.send(new ReturnPathMessage.ResumeAck(1)); // channels come behind it, and are expected by now
        ram.route(path);
    }

    private ReturnPath way() {
        lock.lock();
        try {
            return answers;
        } finally {
            lock.unlock();
        }
    }

    private void takeUrgent(Connection connection, MemorySegment first, int number) {
        UrgentThread.become();
        try (StreamReader in = new StreamReader(connection, "preempt channel", first);
                PostcopyRam.Arrivals pages = ram.arrivals()) {
            in.limitWaits(config.stallLimit(), config.silenceLimit());
            PageRecordReader records = new PageRecordReader(in, ram.loaded().blocks());
            while (records.next(pages)) {
                if (mainEnded && ram.whole()) {
                    wake(); // that was the last
                }
            }
        } catch (Throwable t) {
            lost(number, t);
        } finally {
            channelEnded(number);
        }
    }

    private void wake() {
        lock.lock();
        try {
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** The main stream of connection {@code number} came to its end. Waits for what other channels still bring. */
    void mainEnded(int number) {
        mainEnded = true;
        lock.lock();
        try {
            long grace = config.postcopy().preempt() || config.channels() > 0 ? GRACE_NANOS : 0;
            while (number == link && phase == Phase.MOVING && !ram.whole() && (bringing > 0 || grace > 0)) {
                if (bringing > 0) {
                    changed.awaitUninterruptibly();
                    continue;
                }
                try {
                    grace = changed.awaitNanos(grace);
                } catch (InterruptedException e) {
                    grace = 0; // nobody who may end this does it so
                }
            }
            if (pausedByCaller && !runs) {
                pausedByCaller = false; // all is here before it could take effect
            }
            if (number == link && phase == Phase.MOVING && ram.whole() && !pausedByCaller) {
                phase = Phase.WHOLE;
                changed.signalAll();
                return;
            }
        } finally {
            lock.unlock();
        }
        lost(
                number,
                new MigrationException("the source ended the stream, but %d pages never came"
                        .formatted(ram.loaded().missingPages())));
    }

    /**
     * Waits until all pages are there.
     *
     * @throws MigrationException if the caller gave it up
     */
    void awaitWhole() {
        lock.lock();
        try {
            while (phase != Phase.WHOLE && phase != Phase.GIVEN_UP) {
                changed.awaitUninterruptibly();
            }
            if (phase == Phase.GIVEN_UP) {
                throw new MigrationException(reason);
            }
        } finally {
            lock.unlock();
        }
    }

    /** Says the last word to the source, on whatever connection there is. */
    ReturnPath answers(ReturnPath first) {
        ReturnPath later = way();
        return later == null ? first : later;
    }

    /** Lets everybody go on who waits for a page. All connections are closed by then, and whoever read them has ended. */
    @Override
    public void close() {
        ram.close();
        ReturnPath path = way();
        if (path != null) {
            path.close();
        }
    }
}
