package org.transhume.control.soak;

import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;

/** What is done to a migration on its way. */
sealed interface Fault {
    /** When it begins to count. Named as the source's states are. */
    enum Moment {
        SETUP,
        ACTIVE,
        DEVICE,
        POSTCOPY_ACTIVE,
        POSTCOPY_RECOVER
    }

    /** Where the first thing may happen; the last only to a migration that turns to postcopy. */
    List<Moment> FIRST = List.of(Moment.SETUP, Moment.ACTIVE, Moment.DEVICE, Moment.POSTCOPY_ACTIVE);

    /** Nothing at all. */
    record None() implements Fault {}

    /** Connections break. */
    record Cuts(List<Cut> cuts) implements Fault {
        public Cuts {
            cuts = List.copyOf(cuts);
        }
    }

    /**
     * One connection breaks, both ways.
     *
     * @param link of which set: 0 the first, then those of each recovery
     * @param channel in the order in which they are made, 0 the main one
     * @param writing whether what the source sends counts, or what comes back
     * @param bytes that pass since {@code from}
     */
    record Cut(int link, Moment from, int channel, boolean writing, long bytes) {}

    /** Nobody answers one of the calls of the first link. */
    record Refused(int channel) implements Fault {}

    /**
     * Each call on a connection takes longer.
     *
     * @param channel -1: all of them
     */
    record Slow(int channel, boolean writing, long micros) implements Fault {}

    /** One connection does nothing for a while, once. */
    record Stall(int channel, boolean writing, long afterBytes, long millis) implements Fault {}

    record Cancel(Moment from, long millis) implements Fault {}

    /** One side's connections break all at once. */
    record Yank(boolean source, Moment from, long millis) implements Fault {}

    /** The destination does not want the guest any more. */
    record GiveUp(Moment from, long millis) implements Fault {}

    /** A postcopy is paused by its operator, as often as said. */
    record Pause(boolean source, int times, long millis) implements Fault {}

    /** One of two real processes gets SIGKILL. */
    record Kill(boolean source, long millis) implements Fault {}

    /** The word for it in counts. */
    default String kind() {
        return switch (this) {
            case None _ -> "none";
            case Cuts _ -> "cut";
            case Refused _ -> "refused";
            case Slow _ -> "slow";
            case Stall _ -> "stall";
            case Cancel _ -> "cancel";
            case Yank _ -> "yank";
            case GiveUp _ -> "give-up";
            case Pause _ -> "pause";
            case Kill _ -> "kill";
        };
    }

    /** Whether a migration must succeed in spite of it. */
    default boolean harmless() {
        return switch (this) {
            case None _, Slow _, Stall _, Pause _ -> true;
            case Cuts _, Refused _, Cancel _, Yank _, GiveUp _, Kill _ -> false;
        };
    }

    /**
     * @param switches whether the migration turns to postcopy
     * @param others connections beside the main one
     * @param ram bytes of the guest
     */
    static Fault draw(RandomGenerator random, boolean switches, int others, long ram) {
        int channel = random.nextInt(others + 1);
        return switch (random.nextInt(switches ? 14 : 10)) {
            case 0 -> new Slow(random.nextInt(-1, others + 1), random.nextBoolean(), random.nextLong(10, 3000));
            case 1 -> new Stall(channel, random.nextBoolean(), random.nextLong(ram), random.nextLong(1, 800));
            case 2 -> new Cancel(moment(random, switches), soon(random));
            case 3 -> new Yank(random.nextBoolean(), moment(random, switches), soon(random));
            case 4 -> new GiveUp(moment(random, switches), soon(random));
            case 5 -> new Refused(channel);
            case 10, 11 -> new Pause(random.nextBoolean(), random.nextInt(1, 4), soon(random));
            default -> new Cuts(cuts(random, switches, others, ram));
        };
    }

    /** Milliseconds, mostly few: most migrations here are short. */
    private static long soon(RandomGenerator random) {
        return random.nextLong(1L << random.nextInt(9));
    }

    private static Moment moment(RandomGenerator random, boolean switches) {
        return FIRST.get(random.nextInt(switches ? FIRST.size() : FIRST.size() - 1));
    }

    private static List<Cut> cuts(RandomGenerator random, boolean switches, int others, long ram) {
        List<Cut> cuts = new ArrayList<>();
        int count = switches ? 1 + random.nextInt(3) : 1;
        for (int link = 0; link < count; link++) {
            Moment from = link == 0
                    ? moment(random, switches)
                    : random.nextBoolean() ? Moment.POSTCOPY_RECOVER : Moment.POSTCOPY_ACTIVE;
            boolean writing = random.nextInt(3) > 0;
            long below = writing ? Math.max(1, ram >> random.nextInt(12)) : 600;
            cuts.add(new Cut(link, from, random.nextInt(others + 1), writing, random.nextLong(below)));
        }
        return cuts;
    }
}
