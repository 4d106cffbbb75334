package org.transhume.engine.outgoing;

import java.io.IOException;
import org.transhume.channels.qemu.Command;
import org.transhume.channels.qemu.MainStreamWriter;
import org.transhume.engine.Clock;

/**
 * How long the destination takes to come to what was just sent, and to say so: asked with PING now and then, as the last byte
 * of the pause goes the same way (spec: stream.md §7). The migration's thread asks, the return path's hears.
 */
final class Echo {
    /** Questions under way whose times are remembered. */
    private static final int KEPT = 16;

    private record Heard(int number, long at) {}

    /**
     * @param number of the question, 1 and up
     * @param nanos that it took
     * @param unsent bytes that waited in front of it
     * @param at when it came, in the nanoseconds of the clock
     */
    record Answer(int number, long nanos, long unsent, long at) {}

    private final Clock clock;
    private final long[] askedAt = new long[KEPT];
    private final long[] unsentThen = new long[KEPT];
    private int asked;
    private volatile Heard heard;

    Echo(Clock clock) {
        this.clock = clock;
    }

    /**
     * Asks, and sends what was written before.
     *
     * @param unsent bytes that wait in the sockets
     */
    void ask(MainStreamWriter out, long unsent) throws IOException {
        out.command(new Command.Ping(reserve(unsent)));
        out.flush();
    }

    /**
     * As {@link #ask}, for a question that travels inside something else.
     *
     * @return its number
     */
    int reserve(long unsent) {
        asked++;
        askedAt[asked % KEPT] = clock.nanos();
        unsentThen[asked % KEPT] = unsent;
        return asked;
    }

    /** How often it was asked. */
    int asked() {
        return asked;
    }

    /** The destination said this number. */
    void heard(int number) {
        heard = new Heard(number, clock.nanos());
    }

    /** The last one; null if there is none, or it answers nothing that was asked. The asking thread. */
    Answer answer() {
        Heard last = heard;
        if (last == null || last.number < 1 || last.number > asked || asked - last.number >= KEPT) {
            return null;
        }
        int at = last.number % KEPT;
        return new Answer(last.number, Math.max(0, last.at - askedAt[at]), unsentThen[at], last.at);
    }
}
