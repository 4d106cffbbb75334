package org.transhume.control.soak;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.transhume.control.settings.SettingRefusedException;

/** Migrations one after the other until a limit is reached, and what is asked after each. Used once, by one thread. */
public final class Soak {
    private static final int HEAP_EVERY = 5;
    private static final long PATIENCE_MILLIS = 5_000;

    private final Options options;
    private final Observer observer;
    private final Map<String, Integer> outcomes = new TreeMap<>();
    private final Map<String, SoakSummary.Strokes> faults = new TreeMap<>();
    private final HeapTrend heap = new HeapTrend();
    private int migrations;
    private int leaks;
    private int defects;
    private long movedBytes;
    private long comparedBytes;

    /**
     * @param seed draws everything
     * @param faults whether anything is done to the migrations
     * @param time after which no more is begun
     * @param migrations after which no more is begun
     * @param only the one to do, again and again; -1: all in turn, from 0
     * @param program main class of the command line that child processes run
     */
    public record Options(long seed, boolean faults, Duration time, int migrations, int only, Class<?> program) {}

    /** Hears how it goes. */
    public interface Observer {
        /** One is over, with everything that was looked at. */
        void ended(Entry entry, SoakSummary soFar);
    }

    /**
     * One line of the log.
     *
     * @param replay the command that does it again
     * @param fault what was done to it
     * @param states those of the source, in order
     * @param millis of the migration, the second one included
     * @param downtimeMillis of the first; -1: the guest was never paused, or it is not known
     * @param left behind, thing by thing
     * @param defects what was wrong; empty if all is well
     */
    public record Entry(
            int index,
            long seed,
            String replay,
            String machine,
            List<String> blocks,
            String workload,
            String dirtySource,
            boolean runs,
            String transport,
            String place,
            String profile,
            List<String> capabilities,
            Map<String, String> parameters,
            long switchAfterMillis,
            String faultKind,
            String fault,
            int strokes,
            String outcome,
            String reason,
            List<String> states,
            double millis,
            double downtimeMillis,
            double wallMillis,
            long movedBytes,
            long comparedBytes,
            long heapBytes,
            List<String> checked,
            Set<String> left,
            List<String> defects) {
        public boolean sound() {
            return defects.isEmpty() && left.isEmpty();
        }
    }

    public Soak(Options options, Observer observer) {
        this.options = options;
        this.observer = observer;
    }

    /**
     * Runs it.
     *
     * @throws IOException if there is no place for sockets
     */
    public SoakSummary run() throws IOException, InterruptedException {
        long begin = System.nanoTime();
        Path folder = Files.createTempDirectory("transhume-soak");
        // The first socket of a JVM leaves a descriptor behind, with which it closes others.
        SocketChannel.open(StandardProtocolFamily.UNIX).close();
        try {
            while (migrations < options.migrations()
                    && System.nanoTime() - begin < options.time().toNanos()) {
                int index = options.only() >= 0 ? options.only() : migrations;
                Entry entry = one(Trial.draw(options.seed(), index, options.faults()), folder);
                migrations++;
                count(entry);
                observer.ended(entry, summary(begin));
            }
            heap.sample(migrations);
        } finally {
            Files.deleteIfExists(folder);
        }
        return summary(begin);
    }

    private Entry one(Trial trial, Path folder) throws InterruptedException {
        Footprint before = Footprint.now(folder);
        long begin = System.nanoTime();
        TrialResult result;
        try {
            result = trial.processes()
                    ? new ProcessTrial(trial, folder, options.program()).run()
                    : new LoopbackTrial(trial, folder).run();
        } catch (IOException | SettingRefusedException | RuntimeException | Error e) {
            result = new TrialResult();
            result.outcome("broke off", e.toString());
            result.defect("the trial itself broke off: " + e + " at " + e.getStackTrace()[0]);
        }
        Set<String> left = before.left(folder, PATIENCE_MILLIS, result::stillMapped);
        double millis = (System.nanoTime() - begin) / 1e6;
        if (migrations % HEAP_EVERY == 0) {
            heap.sample(migrations);
        }
        Map<String, String> parameters = new TreeMap<>();
        trial.settings().parameters().forEach((parameter, value) -> parameters.put(parameter.wireName(), value));
        return new Entry(
                trial.index(),
                trial.seed(),
                trial.replay(),
                trial.guest().machine(),
                trial.guest().blocks().stream().map(GuestShape.Block::toString).toList(),
                trial.guest().workload().toString(),
                trial.guest().dirtySource(),
                trial.guest().runs(),
                trial.unix() ? "unix" : "tcp",
                trial.processes() ? "process" : trial.place().name().toLowerCase(Locale.ROOT),
                trial.settings().profile().toString(),
                trial.settings().names(),
                parameters,
                trial.switchAfter(),
                trial.fault().kind(),
                trial.fault().toString(),
                result.strokes(),
                result.outcome(),
                result.reason(),
                result.states(),
                result.millis(),
                result.downtimeMillis(),
                millis,
                result.bytes(),
                result.comparedBytes(),
                heap.last(),
                result.checked(),
                left,
                result.defects());
    }

    private void count(Entry entry) {
        outcomes.merge(entry.outcome(), 1, Integer::sum);
        SoakSummary.Strokes stroke = new SoakSummary.Strokes(1, entry.strokes() > 0 ? 1 : 0);
        if (!entry.faultKind().equals("none")) {
            faults.merge(
                    entry.faultKind(),
                    stroke,
                    (a, b) -> new SoakSummary.Strokes(a.planned() + b.planned(), a.met() + b.met()));
        }
        movedBytes += entry.movedBytes();
        comparedBytes += entry.comparedBytes();
        leaks += entry.left().size();
        defects += entry.sound() ? 0 : 1;
    }

    private SoakSummary summary(long begin) {
        return new SoakSummary(
                options.seed(),
                (System.nanoTime() - begin) / 1e9,
                migrations,
                Map.copyOf(outcomes),
                Map.copyOf(faults),
                movedBytes,
                comparedBytes,
                leaks,
                defects,
                heap.first(),
                heap.last(),
                heap.slope(),
                heap.flat());
    }
}
