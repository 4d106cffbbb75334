package org.transhume.engine.outgoing;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.transhume.engine.Clock;
import org.transhume.engine.ConnectionSet;
import org.transhume.engine.MigrationObserver;
import org.transhume.engine.MigrationState;
import org.transhume.engine.PageCounters;
import org.transhume.engine.PostcopyTimes;
import org.transhume.engine.counters.ChannelBytes;
import org.transhume.engine.counters.Counter;
import org.transhume.engine.counters.CounterValues;
import org.transhume.engine.counters.Side;
import org.transhume.engine.counters.StateCode;
import org.transhume.engine.forecast.Forecaster;

/**
 * What one migration measured and counted, for whoever looks while it runs and for its report. Written by the migration's
 * thread; {@link #progress} may be called by anyone.
 */
final class Figures {
    private static final double NANOS_PER_MILLI = 1e6;
    private static final double NANOS_PER_SECOND = 1e9;

    private final Clock clock;
    private final ConnectionSet connections;
    private final PageCounters pages;
    private final PageForms forms;
    private final Limits limits;
    private final Throttle throttle;
    private final MigrationObserver observer;
    private final Forecaster forecaster;
    private final long ramBytes;
    private final long startNanos;
    private final Meter meter = new Meter();
    private final PostcopyTimes postcopy = new PostcopyTimes();
    private final List<OutgoingReport.Round> rounds = new ArrayList<>();

    private volatile long activeNanos;
    private volatile long pausedNanos;
    private volatile long endNanos;
    private volatile long remainingBytes;
    private volatile long mainBytesAtPause;
    private volatile long postcopyNanos;
    private volatile long mainBytesAtPostcopy;
    private volatile long allBytesAtPostcopy;
    private volatile boolean connected;
    private volatile int passes;
    private volatile OutgoingReport.Downtime downtime;

    private long dirtyBytesAtHarvest;
    private long roundPages;
    private long roundBytes;
    private long roundNanos;

    Figures(
            Clock clock,
            ConnectionSet connections,
            PageCounters pages,
            PageForms forms,
            Limits limits,
            Throttle throttle,
            MigrationObserver observer,
            Forecaster forecaster,
            long ramBytes) {
        this.clock = clock;
        this.connections = connections;
        this.pages = pages;
        this.forms = forms;
        this.limits = limits;
        this.throttle = throttle;
        this.observer = observer;
        this.forecaster = forecaster;
        this.ramBytes = ramBytes;
        this.remainingBytes = ramBytes;
        this.startNanos = clock.nanos();
    }

    /** The migration is in this state. */
    void entered(MigrationState state) {
        postcopy.entered(state, clock.nanos(), connections.bytesWritten());
    }

    /** The main channel is there. */
    void connected() {
        connected = true;
    }

    /** Whether a connection was made, and the dirty source has not been asked yet. */
    boolean inFirstRound() {
        return connected && passes <= 1;
    }

    /** The first page is about to be sent. */
    void active() {
        activeNanos = clock.nanos();
        meter.start(activeNanos, connections.bytesWritten(), sentPages());
        throttle.begin(connections.bytesWritten());
    }

    /** The guest is asked to stop now. @return the time */
    long paused() {
        mainBytesAtPause = connections.mainBytesWritten();
        pausedNanos = clock.nanos();
        return pausedNanos;
    }

    /** The guest is the destination's: its pause, as far as it shows here, is over. */
    void postcopy() {
        mainBytesAtPostcopy = connections.mainBytesWritten();
        allBytesAtPostcopy = connections.bytesWritten();
        postcopyNanos = clock.nanos();
    }

    void downtime(OutgoingReport.Downtime breakdown) {
        downtime = breakdown;
    }

    Optional<OutgoingReport.Downtime> downtime() {
        return Optional.ofNullable(downtime);
    }

    void ended() {
        endNanos = clock.nanos();
    }

    /** Bytes known to be dirty and not yet sent. */
    void remaining(long bytes) {
        remainingBytes = bytes;
    }

    long remaining() {
        return remainingBytes;
    }

    /**
     * The dirty source was asked.
     *
     * @param found pages it reported
     */
    void harvested(long found, long remaining) {
        meter.harvested(clock.nanos(), found);
        remainingBytes = remaining;
        dirtyBytesAtHarvest = remaining;
    }

    /** A slice of pages was sent. */
    void sliceSent() {
        long now = clock.nanos();
        meter.update(now, connections.bytesWritten(), unsent(), sentPages(), dirtyBytesAtHarvest);
        forms.update(now, sentPages());
    }

    /** To all channels. */
    long bytesWritten() {
        return connections.bytesWritten();
    }

    /** Nothing was sent for a while, of the migration's own will: that says nothing about the bandwidth. */
    void idled() {
        meter.skip(clock.nanos(), connections.bytesWritten(), unsent(), sentPages());
    }

    /** Bytes that wait in the sockets. */
    long unsent() {
        return connections.unsent();
    }

    int passes() {
        return passes;
    }

    void pass() {
        int number = passes + 1; // one writer: the migration's thread
        passes = number;
        observer.pass(number);
    }

    void beginRound(long dirtyPages) {
        roundPages = dirtyPages;
        roundBytes = connections.bytesWritten();
        roundNanos = clock.nanos();
    }

    void endRound() {
        rounds.add(new OutgoingReport.Round(
                passes,
                roundPages,
                connections.bytesWritten() - roundBytes,
                (clock.nanos() - roundNanos) / NANOS_PER_MILLI));
    }

    private long sentPages() {
        return pages.normal.sum() + pages.zero.sum() + pages.hole.sum() + forms.processedPages();
    }

    MigrationProgress progress(MigrationState state) {
        long now = endNanos != 0 ? endNanos : clock.nanos();
        long active = activeNanos;
        long paused = pausedNanos;
        long moved = postcopyNanos;
        long mainBytes = connections.mainBytesWritten();
        long all = connections.bytesWritten();
        boolean completed = state instanceof MigrationState.Completed;
        double rate = completed && now > active ? all * NANOS_PER_SECOND / (now - active) : meter.bytesPerSecond();
        return new MigrationProgress(
                millis(now - startNanos),
                active == 0 ? 0 : millis(active - startNanos),
                paused == 0 ? 0 : millis((moved == 0 ? now : moved) - paused),
                meter.expectedDowntimeMillis(limits.downtime().toMillis()),
                ramBytes,
                completed ? 0 : remainingBytes,
                all,
                connections.multifdBytesWritten(),
                pages.normal.sum(),
                pages.zero.sum() + pages.hole.sum(),
                passes,
                completed ? 0 : meter.dirtyPagesPerSecond(),
                rate,
                meter.pagesPerSecond(),
                paused == 0 ? mainBytes : mainBytesAtPause,
                paused == 0 ? 0 : (moved == 0 ? mainBytes : mainBytesAtPostcopy) - mainBytesAtPause,
                moved == 0 ? 0 : all - allBytesAtPostcopy,
                pages.requested.sum(),
                throttle.percent(),
                forms.delta(),
                forms.pageCompression(),
                forecaster.forecast());
    }

    /** The same, and all else that the table has. */
    CounterValues counters(MigrationState state) {
        CounterValues.Builder values = CounterValues.of(Side.SOURCE);
        ChannelBytes.count(connections, values);
        MigrationProgress now = progress(state);
        values.with(Counter.STATE, StateCode.of(state).code())
                .with(Counter.ELAPSED_MILLIS, now.totalMillis())
                .with(Counter.SETUP_MILLIS, now.setupMillis())
                .with(Counter.DOWNTIME_MILLIS, now.downtimeMillis())
                .with(Counter.EXPECTED_DOWNTIME_MILLIS, now.expectedDowntimeMillis())
                .with(Counter.RAM_BYTES, now.ramBytes())
                .with(Counter.REMAINING_BYTES, now.remainingBytes())
                .with(Counter.ROUNDS, now.rounds())
                .with(Counter.DIRTY_PAGES_PER_SECOND, now.dirtyPagesPerSecond())
                .with(Counter.BYTES_PER_SECOND, (long) now.bytesPerSecond())
                .with(Counter.PAGES_PER_SECOND, now.pagesPerSecond())
                .with(Counter.PRECOPY_BYTES, now.precopyBytes())
                .with(Counter.DOWNTIME_BYTES, now.downtimeBytes())
                .with(Counter.POSTCOPY_BYTES, now.postcopyBytes())
                .with(Counter.POSTCOPY_REQUESTS, now.postcopyRequests())
                .with(Counter.NORMAL_PAGES, pages.normal.sum())
                .with(Counter.ZERO_PAGES, pages.zero.sum())
                .with(Counter.HOLE_PAGES, pages.hole.sum())
                .with(Counter.DELTA_PAGES, pages.delta.sum())
                .with(Counter.SYNC_PACKETS, pages.syncPackets.sum());
        forms.count(values);
        return values.build();
    }

    private static long millis(long nanos) {
        return TimeUnit.NANOSECONDS.toMillis(nanos);
    }

    /** @param dirtySource name of the one that was used */
    OutgoingReport report(MigrationState last, boolean acknowledged, int channels, String dirtySource) {
        return new OutgoingReport(
                switch (last) {
                    case MigrationState.Completed _ -> "completed";
                    case MigrationState.Cancelled _ -> "cancelled";
                    default -> "failed";
                },
                last instanceof MigrationState.Failed failed
                        ? "%s: %s".formatted(failed.during(), failed.reason())
                        : null,
                acknowledged,
                (endNanos - startNanos) / NANOS_PER_MILLI,
                activeNanos == 0 ? 0 : (activeNanos - startNanos) / NANOS_PER_MILLI,
                downtime,
                forecaster.forecast().verdict(),
                ramBytes,
                connections.bytesWritten(),
                connections.multifdBytesWritten(),
                pages.normal.sum(),
                pages.zero.sum(),
                pages.hole.sum(),
                passes,
                channels,
                limits.maxBandwidth(),
                throttle.highest(),
                forms.delta(),
                forms.chosen(),
                forms.pageCompression(),
                forms.digest().report(),
                dirtySource,
                List.copyOf(rounds),
                meter.history(),
                postcopy.report(endNanos, connections.bytesWritten(), pages.requested.sum(), null));
    }
}
