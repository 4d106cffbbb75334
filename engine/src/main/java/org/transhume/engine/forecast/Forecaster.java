package org.transhume.engine.forecast;

/**
 * Keeps the forecast of one migration up to date. Fed by the migration's thread; {@link #forecast} may be read by any.
 */
public final class Forecaster {
    private static final double NANOS_PER_SECOND = 1e9;
    private static final double NANOS_PER_MILLI = 1e6;
    private static final double PAGE = 4096;
    /** Part of the downtime limit that is not planned with: the way may get slower just then. */
    static final double RESERVE = 0.25;
    /** A limit that the fixed costs fill must not keep a guest for ever: a little is always allowed, as asked for. */
    static final double LEAST_ROOM = 0.1;
    /** Part of the limit that may go to bytes that wait in the sockets already. */
    private static final double QUEUE_PART = 0.1;

    /** Pages below which a harvest says little. */
    private static final double LEAST_FOUND = 64;

    private static final double MOST_FASTER = 1024;
    private static final double LONGEST_LIMIT_NANOS = 2000e9;
    private static final int MOST_THROTTLE = 99;

    private final double ramPages;
    private final DirtyCurve curve = new DirtyCurve();
    private final Throughput throughput = new Throughput();
    private PauseCosts costs = PauseCosts.USUAL;
    private long quickest = Long.MAX_VALUE;
    private long begin;
    private double progress;
    private double writtenAgain;

    private volatile Forecast forecast = Forecast.UNKNOWN;

    /** @param ramPages that exist */
    public Forecaster(long ramPages) {
        this.ramPages = ramPages;
    }

    /** The first page is about to go. */
    public void begin(long now) {
        begin = now;
    }

    /** Learns from what goes out. */
    public Throughput throughput() {
        return throughput;
    }

    /** The dirty source was asked: {@code found} different pages were written within {@code nanos}. */
    public void look(long nanos, long found, long took) {
        curve.look(nanos, found);
        costs = costs.harvest((double) took);
    }

    /**
     * A harvest after the first {@code found} pages, of which only {@code added} were not among the {@code left} that were pending
     * already: the fewer these are of what the guest writes again and again, the fewer it hits. Looks after short times do not
     * show how many that is.
     */
    public void harvested(double left, double found, double added) {
        double pending = found - added;
        if (found < LEAST_FOUND || left <= 0) {
            return;
        }
        double seen = pending <= 0 ? ramPages : Math.clamp(left * found / pending, left, Math.max(left, ramPages));
        writtenAgain = writtenAgain == 0 ? seen : (writtenAgain + seen) / 2;
    }

    /** Saving device state was rehearsed: it took {@code nanos} for {@code bytes}. */
    public void rehearsed(long nanos, long bytes) {
        costs = costs.devices((double) nanos + sending(bytes));
    }

    /** Nanoseconds on the way; 0 while its speed is not known. */
    private double sending(long bytes) {
        double rate = throughput.bytesPerSecond();
        return rate > 0 ? (double) bytes * NANOS_PER_SECOND / rate : 0;
    }

    /**
     * The destination answered in {@code nanos} what was sent behind {@code unsent} bytes. The quickest answer counts: others
     * waited for more pages, which the pause has to wait for anyway.
     */
    public void answered(long nanos, long unsent) {
        if (nanos <= quickest) {
            quickest = nanos;
            costs = costs.wire(Math.max(0, (double) nanos - sending(unsent)));
        }
    }

    /** What a pause costs beside pages. */
    public PauseCosts costs() {
        return costs;
    }

    /** The pause for {@code pages} with content and {@code unsent} bytes that still wait in front of them, nanoseconds. */
    public double pause(double pages, long unsent) {
        double rate = throughput.pagesPerSecond();
        return before(unsent) + (rate > 0 ? pages * NANOS_PER_SECOND / rate : 0) + costs.after();
    }

    /** Until the first of the last pages can go: what waits in the sockets goes while the guest is stopped and asked. */
    private double before(long unsent) {
        return Math.max(costs.before(), sending(unsent));
    }

    /** Pages that may be left when the guest is stopped, so that the pause keeps its limit. */
    public double fittingPages(Terms terms, long unsent) {
        double limit = (double) terms.limitNanos();
        double room = limit * (1 - RESERVE) - before(unsent) - costs.after();
        return planned(terms) * Math.max(room, limit * LEAST_ROOM) / NANOS_PER_SECOND;
    }

    /** Nanoseconds to wait, with the guest running, until no more than a part of the limit goes to bytes that wait already. */
    public long untilQueueFits(Terms terms, long unsent) {
        double tolerable = (double) terms.limitNanos() * QUEUE_PART;
        return (long) Math.max(0, sending(unsent) - tolerable);
    }

    /** Pages a second to count on: never more than the cap lets through, though the pause knows none. */
    private double planned(Terms terms) {
        double perPage = throughput.bytesPerPage() > 0 ? throughput.bytesPerPage() : PAGE;
        if (terms.assumed() > 0) {
            return (double) terms.assumed() / perPage;
        }
        return capped(terms);
    }

    /** Pages a second that go out while the guest runs. */
    private double capped(Terms terms) {
        double rate = throughput.pagesPerSecond();
        double perPage = throughput.bytesPerPage();
        return terms.cap() > 0 && perPage > 0 ? Math.min(rate, (double) terms.cap() / perPage) : rate;
    }

    /**
     * Looks ahead again.
     *
     * @param pages pending
     * @param sinceHarvest nanoseconds since the dirty source was asked
     * @param unsent bytes written that still wait
     * @param firstRound nothing travelled twice yet
     */
    public void update(long now, double pages, long sinceHarvest, long unsent, Terms terms, boolean firstRound) {
        double elapsed = (double) (now - begin) / NANOS_PER_MILLI;
        double rate = capped(terms) / NANOS_PER_SECOND;
        if (rate <= 0) {
            return;
        }
        double fitting = fittingPages(terms, unsent);
        double pause = pause(Math.min(pages, fitting), unsent) / NANOS_PER_MILLI;
        if (!curve.known()) {
            double atLeast = pages / rate / NANOS_PER_MILLI;
            progress = Math.max(progress, elapsed / (elapsed + 2 * atLeast + pause));
            forecast = new Forecast(elapsed, progress, pause, Double.NaN, Double.NaN, Double.NaN, null);
            return;
        }
        Outlook.Position position = new Outlook.Position(
                pages, (double) sinceHarvest, rate, fitting, costs.harvest(), ramPages, firstRound, writtenAgain);
        Outlook outlook = Outlook.play(position, curve, 1);
        pause = pause(Math.min(outlook.left(), fitting), unsent) / NANOS_PER_MILLI;
        double eta = outlook.converges() ? outlook.nanos() / NANOS_PER_MILLI + pause : Double.POSITIVE_INFINITY;
        if (outlook.converges()) {
            progress = Math.max(progress, elapsed / (elapsed + eta));
        }
        Spread spread = firstRound ? Spread.FIRST_ROUND : Spread.LATER;
        double bytesPerSecond = rate * NANOS_PER_SECOND * throughput.bytesPerPage();
        forecast = new Forecast(
                elapsed,
                progress,
                pause,
                eta * spread.middle(),
                eta * spread.low(),
                eta * spread.high(),
                outlook.converges()
                        ? Verdict.good(bytesPerSecond)
                        : needs(position, curve, terms.limitNanos(), costs, bytesPerSecond));
    }

    /** What would let a migration converge that stands at {@code position} and does not. */
    static Verdict needs(
            Outlook.Position position, DirtyCurve curve, long limitNanos, PauseCosts costs, double bytesPerSecond) {
        double faster = least(1, MOST_FASTER, factor -> Outlook.play(position.faster(factor), curve, 1));
        double perNano = position.pagesPerNano();
        double limit = least(
                Math.max(NANOS_PER_MILLI, (double) limitNanos),
                LONGEST_LIMIT_NANOS,
                nanos -> Outlook.play(position.fitting(perNano * (nanos * (1 - RESERVE) - costs.total())), curve, 1));
        int throttle = 1;
        while (throttle <= MOST_THROTTLE
                && !Outlook.play(position, curve, (100 - throttle) / 100.0).converges()) {
            throttle++;
        }
        return new Verdict(
                false,
                bytesPerSecond,
                Double.isNaN(faster) ? 0 : bytesPerSecond * faster,
                limit / NANOS_PER_MILLI,
                throttle > MOST_THROTTLE ? 0 : throttle);
    }

    private interface Trial {
        Outlook with(double value);
    }

    /** The least value within 1 % that lets the migration converge; NaN if the highest does not. */
    private static double least(double low, double high, Trial trial) {
        if (!trial.with(high).converges()) {
            return Double.NaN;
        }
        double bad = low;
        double good = high;
        while (good / bad > 1.01) {
            double middle = Math.sqrt(good * bad);
            if (trial.with(middle).converges()) {
                good = middle;
            } else {
                bad = middle;
            }
        }
        return good;
    }

    /** The migration is over. */
    public void ended() {
        Forecast last = forecast;
        forecast = new Forecast(last.at(), 1, last.downtime(), 0, 0, 0, last.verdict());
    }

    /** As of the last update. */
    public Forecast forecast() {
        return forecast;
    }
}
