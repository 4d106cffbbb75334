package org.transhume.engine.outgoing;

import java.util.EnumMap;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * Decides for each batch in which form its pages travel, from nothing but what this migration measured: time to encode a
 * page, time to write it, bytes it takes, and the cap. One for all lanes, which ask and report once a batch. Any thread.
 *
 * <p>The cost of a form is the time a page takes up: of the lanes, which work side by side, or of the link, whichever is the
 * tighter. A form that is not in use is known from samples, single pages that are encoded and thrown away; whether it holds
 * what they promise one batch shows before all lanes change over. What is spent in vain, beyond the first such batch, stays
 * below one page in 512 where only raw pays.
 */
final class FormChoice {
    /** Forms of pages that travel in full. */
    enum Form {
        RAW,
        LZ4,
        ZSTD
    }

    /** Where nothing but raw pays, at most one page in so many is compressed in vain. */
    static final int PAGES_PER_TRY = 512;
    /** Pages between two samples while pages travel raw: most of what may be spent is left for batches. */
    private static final int PAGES_PER_SAMPLE = 4 * PAGES_PER_TRY;

    /** A cost must be that much lower before one batch tries it, and before the lanes change over: less is noise. */
    private static final double WORTH_A_TRY = 0.98;

    private static final double WORTH_IT = 0.95;
    /** A cost so much lower would be a gain even if it were two fifths higher than it seems. */
    private static final double NEARLY_SURE = 0.7;

    /** Part of the difference that the next batch's figures make up. */
    private static final double WEIGHT = 0.125;

    private static final double HALF = 0.5;
    /** Batches for which a form counts as new. */
    private static final int NEW = 6;
    /** Until it was measured: what a page in a batch saves, and the time it takes, as part of that of a page alone. */
    private static final double BATCH_SAVES = 1.15;

    private static final double BATCH_NANOS = 0.4;
    /** Part of what a batch showed against its samples that each further sample takes back. */
    private static final double FORGET = 0.05;

    /** A batch that took that many times as long was interrupted. */
    private static final double INTERRUPTED = 2;

    /** Pages that a try may cost: the batch, and another before its bad luck shows. */
    private static final int TRY = 2 * PageBatch.CAPACITY;
    /** Pages that may be spent in vain at first: a few samples, and one try. */
    private static final int FIRST_TRIES = TRY + 4;
    /**
     * Where pages are compressed anyway a try costs little. So many times the pages spent on a form that failed must pass
     * before it is tried again, twice as many after each further failure.
     */
    private static final long PENALTY = 8;

    private static final int DOUBLINGS = 3;

    private static final double NANOS_PER_SECOND = 1e9;
    private static final double PAGE = 4096;
    /** A sample below this says how much a form saves, not only that it does not. */
    private static final double COMPRESSIBLE = 0.95 * PAGE;
    /** A delta is worth a round's copying if a hit costs at most this part of the page. */
    private static final double HIT_WORTH_IT = 0.8;
    /** Time to copy a page twice, cold: what remembering it costs, if it is not known better. */
    private static final double REMEMBER_NANOS = 1500;

    private static final int ENOUGH_HITS = 4;
    /** Rounds that remembered pages have to come back in. */
    private static final int ROUNDS_OF_GRACE = 2;

    private final int lanes;
    private final LongSupplier cap;
    private final Map<Form, Figures> figures = new EnumMap<>(Form.class);
    private Form current = Form.RAW;
    /** The form that one batch is on its way to try, if any. */
    private Form onTrial;

    private long pages;
    private long tried;
    private int samples;
    private long nextSample = PAGES_PER_TRY;

    // Deltas: decided for whole rounds.
    private long round = 1;
    private boolean remembering;
    private boolean everRemembered;
    private long rememberedSince;
    private long hits;
    private long hitBytes;
    private long misses;
    private double hitNanos;
    private double missNanos = REMEMBER_NANOS;

    /**
     * @param lanes that share the work
     * @param cap bytes per second now; 0 is none
     */
    FormChoice(int lanes, LongSupplier cap) {
        this.lanes = lanes;
        this.cap = cap;
        for (Form form : Form.values()) {
            figures.put(form, new Figures());
        }
        figures.get(Form.RAW).bytes = PAGE;
    }

    /** Figures of a form, for one page. */
    private static final class Figures {
        double encodeNanos;
        double writeNanos;
        double bytes;
        /** Batches measured since the form came into use. */
        int batches;
        /** Measured in a batch over promised by samples. */
        double nanosHeld = BATCH_NANOS;

        double savedHeld = BATCH_SAVES;
        double sampledNanos;
        double sampledBytes;
        boolean known;
        /** Not before so many pages have passed. */
        long notBefore;
        /** How often it did not hold what it promised. */
        int failures;

        long travelled;
    }

    /** The form of the next batch of {@code count} pages. */
    synchronized Form next(int count) {
        pages += count;
        if (onTrial == null) {
            Form best = cheapest();
            if (best != current) {
                if (figures.get(best).batches == 0 && best != Form.RAW) {
                    onTrial = best;
                    return best;
                }
                change(best);
            }
        }
        return current;
    }

    private Form cheapest() {
        Form best = current;
        double least = cost(current);
        for (Form form : Form.values()) {
            Figures f = figures.get(form);
            if (f.batches == 0 && form != Form.RAW && !mayTry(form)) {
                continue;
            }
            double needed = f.batches == 0 ? WORTH_A_TRY : WORTH_IT;
            if (form != current
                    && f.known
                    && pages >= f.notBefore
                    && cost(form) < cost(current) * needed
                    && cost(form) < least) {
                best = form;
                least = cost(form);
            }
        }
        return best;
    }

    private void change(Form to) {
        Figures left = figures.get(current);
        current = to;
        if (to == Form.RAW && left.batches <= 2 * NEW) {
            long spent = (long) left.batches * PageBatch.CAPACITY; // it promised more than it held
            tried += spent;
            failed(left, spent);
        }
        left.batches = 0;
    }

    /** Nanoseconds a page takes up. */
    private double cost(Form form) {
        Figures f = figures.get(form);
        long limit = cap.getAsLong();
        double lane = (f.encodeNanos + f.writeNanos) / lanes;
        double link = limit > 0 ? f.bytes * NANOS_PER_SECOND / limit : 0;
        return Math.max(lane, link);
    }

    /**
     * A batch travelled.
     *
     * @param form it was encoded in
     * @param as in which it was sent: raw, where the encoding did not shrink it
     */
    synchronized void measured(Form form, Form as, int count, long encodeNanos, long bytes, long writeNanos) {
        Figures f = figures.get(form);
        double encode = (double) encodeNanos / count;
        double size = (double) bytes / count;
        double write = (double) writeNanos / count;
        // The first figures count half each: a form that comes into use meets the work of all lanes, which a try did
        // not.
        // A batch whose thread had to stand back tells nothing about the form.
        double weight = !f.known ? 1 : f.batches < NEW ? HALF : WEIGHT;
        f.encodeNanos += (calm(encode, f.encodeNanos) - f.encodeNanos) * weight;
        f.bytes += (size - f.bytes) * Math.max(weight, HALF);
        f.writeNanos += (calm(write, f.writeNanos) - f.writeNanos) * weight;
        if (form == current || form == onTrial) { // and not a late batch of one that was given up
            f.batches++;
        }
        figures.get(as).travelled += count;
        f.known = true;
        if (f.sampledBytes > 0) {
            f.nanosHeld = f.encodeNanos / f.sampledNanos;
            if (f.sampledBytes < COMPRESSIBLE) {
                f.savedHeld = (PAGE - f.bytes) / (PAGE - f.sampledBytes);
            }
        }
        if (form == onTrial) {
            onTrial = null;
            if (cost(form) < cost(current) * WORTH_IT) {
                change(form);
            } else {
                tried += count;
                failed(f, count);
                f.batches = 0;
            }
        }
    }

    private static double calm(double nanos, double usual) {
        return usual > 0 ? Math.min(nanos, usual * INTERRUPTED) : nanos;
    }

    /** Not again soon; the first time may have been bad luck. */
    private void failed(Figures f, long spent) {
        f.notBefore = pages + ((spent * PENALTY) << Math.min(f.failures++, DOUBLINGS));
    }

    /** Whether one more batch may be spent on a form that may not pay, or is nearly sure to. */
    private boolean mayTry(Form form) {
        return current != Form.RAW
                || tried + TRY <= Math.max(FIRST_TRIES, pages / PAGES_PER_TRY)
                || cost(form) < cost(current) * NEARLY_SURE;
    }

    /** The form to sample now, or null: it is not in use, and enough pages have passed since the last one. */
    synchronized Form toSample() {
        if (pages < nextSample) {
            return null;
        }
        // The first two come early: a slow link should not wait for them. Where pages are compressed they cost little.
        nextSample = pages + (samples == 0 || current != Form.RAW ? PAGES_PER_TRY : PAGES_PER_SAMPLE);
        samples++;
        Form form = samples % 2 == 1 ? Form.LZ4 : Form.ZSTD;
        if (form == current) {
            return null;
        }
        tried++;
        return form;
    }

    /** One page was encoded to {@code bytes} bytes. */
    synchronized void sampled(Form form, long nanos, int bytes) {
        Figures f = figures.get(form);
        if (form == current) {
            return; // it came into use meanwhile, so better figures are there
        }
        // A sample that was interrupted says nothing about the form: the lower of two counts.
        f.sampledNanos = f.sampledNanos == 0 ? nanos : Math.min((double) nanos, f.sampledNanos * 1.5);
        f.sampledBytes = f.sampledBytes == 0 ? bytes : f.sampledBytes + (bytes - f.sampledBytes) * WEIGHT * 2;
        // One batch may have been unlucky: what it showed is forgotten little by little.
        f.nanosHeld += (BATCH_NANOS - f.nanosHeld) * FORGET;
        f.encodeNanos = f.sampledNanos * f.nanosHeld;
        f.bytes = PAGE - (PAGE - f.sampledBytes) * f.savedHeld;
        f.writeNanos = figures.get(Form.RAW).writeNanos * f.bytes / PAGE;
        f.known = true;
    }

    /** Whether all pages of the batch go through the delta cache; else only those of {@link #inSample}. */
    synchronized boolean remembers(PageBatch batch) {
        if (batch.round != round) {
            beginRound(batch.round);
        }
        return remembering;
    }

    /** Whether a page that was not remembered now may still be in the cache from a time when all were. */
    synchronized boolean everRemembered() {
        return everRemembered;
    }

    /** The few pages that show what deltas would do, the same ones in each round: each may cost a packet of its own. */
    static boolean inSample(long page) {
        return ((page * 0x9E3779B97F4A7C15L) >>> 32) % PAGES_PER_SAMPLE == 0;
    }

    private void beginRound(long number) {
        boolean before = remembering;
        if (round == 1) {
            // Nothing is known yet. Where the link is the tighter part, remembering pages costs no time.
            remembering = spareTime() > REMEMBER_NANOS;
        } else if (hits >= ENOUGH_HITS) {
            remembering = hitsPay();
        } else if (before && number > rememberedSince + ROUNDS_OF_GRACE) {
            remembering = spareTime() > missNanos;
        }
        if (remembering && !before) {
            rememberedSince = number;
            everRemembered = true;
        }
        round = number;
        hits = 0;
        hitBytes = 0;
        misses = 0;
    }

    /** Time a lane has to spare for each page, since the link is slower. */
    private double spareTime() {
        Figures f = figures.get(current);
        long limit = cap.getAsLong();
        return limit == 0 ? 0 : f.bytes * NANOS_PER_SECOND / limit * lanes - f.encodeNanos - f.writeNanos;
    }

    private boolean hitsPay() {
        long limit = cap.getAsLong();
        double bytes = (double) hitBytes / hits;
        double perByte = figures.get(Form.RAW).writeNanos / PAGE;
        double hit = Math.max((hitNanos + bytes * perByte) / lanes, limit > 0 ? bytes * NANOS_PER_SECOND / limit : 0);
        double page = cost(current);
        double part = remembering ? (double) hits / (hits + misses) : 1;
        double wasted = (1 - part) * Math.max(0, missNanos - Math.max(0, spareTime())) / lanes;
        return hit < page * HIT_WORTH_IT && part * (page - hit) > wasted;
    }

    /**
     * Pages of a batch went through the cache.
     *
     * @param found of them were there
     * @param bytes that those take now
     * @param missed of them were not
     * @param nanos for all of them
     */
    synchronized void remembered(int found, long bytes, int missed, long nanos) {
        hits += found;
        hitBytes += bytes;
        misses += missed;
        // A page by itself finds colder caches than one of many.
        double each = (double) nanos / (found + missed) * (remembering ? 1 : BATCH_NANOS);
        if (found > missed) {
            hitNanos = hitNanos == 0 ? each : hitNanos + (each - hitNanos) * WEIGHT;
        } else {
            missNanos += (each - missNanos) * WEIGHT;
        }
    }

    synchronized OutgoingReport.Adaptive report() {
        return new OutgoingReport.Adaptive(
                figures.get(Form.RAW).travelled,
                figures.get(Form.LZ4).travelled,
                figures.get(Form.ZSTD).travelled,
                tried);
    }
}
