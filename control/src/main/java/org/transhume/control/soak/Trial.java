package org.transhume.control.soak;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.transhume.control.settings.Capability;

/**
 * Everything that is random about one migration, drawn from (seed, index) alone: the same again on any machine, but for what
 * threads and the network do.
 *
 * @param processes whether both sides are processes of their own
 * @param unix the transport; else tcp on loopback
 * @param place where the guest arrives
 * @param memfds of each block there
 * @param switchAfter milliseconds from the first page to the switch to postcopy; -1: never
 * @param fault what happens to it
 */
record Trial(
        long seed,
        int index,
        boolean processes,
        boolean unix,
        GuestShape guest,
        TrialSettings settings,
        Place place,
        List<Boolean> memfds,
        long switchAfter,
        Fault fault) {
    /** Of so many migrations one is between two processes. */
    static final int PROCESSES_EVERY = 20;

    /** What waits for the guest. */
    enum Place {
        /** Nobody runs it: RAM stays as it arrived. */
        IDLE,
        /** As before, in memory where an earlier try left something. */
        USED,
        /** A guest whose threads write, and note what. */
        WRITING,
        /** Nobody runs it, but somebody reads pages that are missing. */
        TOUCHING
    }

    /** @param faults whether anything may be done to it */
    static Trial draw(long seed, int index, boolean faults) {
        SplittableRandom all = new SplittableRandom(seed * 0x9E3779B97F4A7C15L + index);
        SplittableRandom shapes = all.split();
        SplittableRandom settled = all.split();
        SplittableRandom ways = all.split();
        SplittableRandom wrongs = all.split();
        boolean processes = index % PROCESSES_EVERY == PROCESSES_EVERY - 1;
        GuestShape guest = GuestShape.draw(shapes);
        TrialSettings settings = TrialSettings.draw(settled);
        boolean postcopy = settings.has(Capability.POSTCOPY_RAM);
        long switchAfter = postcopy && ways.nextInt(6) > 0 ? ways.nextLong(1L << ways.nextInt(8)) : -1;
        List<Boolean> memfds = new ArrayList<>();
        for (GuestShape.Block _ : guest.blocks()) {
            memfds.add(ways.nextInt(3) > 0);
        }
        Place place = place(ways.nextInt(10), postcopy);
        boolean unix = ways.nextBoolean();
        long ram = guest.blocks().stream()
                .mapToLong(block -> block.bytes() * block.filledPercent() / 100)
                .sum();
        Fault fault = new Fault.None();
        if (faults && processes) {
            fault = new Fault.Kill(wrongs.nextBoolean(), wrongs.nextLong(0, 600));
        } else if (faults && wrongs.nextInt(5) > 0) {
            fault = Fault.draw(wrongs, switchAfter >= 0, settings.others(), Math.max(ram, 4096));
        }
        return new Trial(seed, index, processes, unix, guest, settings, place, memfds, switchAfter, fault);
    }

    private static Place place(int tenth, boolean postcopy) {
        if (postcopy) {
            return tenth < 2 ? Place.IDLE : tenth < 6 ? Place.TOUCHING : Place.WRITING;
        }
        return tenth < 4 ? Place.IDLE : tenth < 6 ? Place.USED : tenth < 9 ? Place.WRITING : Place.TOUCHING;
    }

    /** The command that does this migration again. */
    String replay() {
        return "bin/transhume soak --seed %d --only %d%s"
                .formatted(seed, index, fault instanceof Fault.None ? "" : " --faults");
    }
}
