package org.transhume.control.soak;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.transhume.control.guest.MigrationConfigs;
import org.transhume.control.settings.Capability;
import org.transhume.control.settings.SettingRefusedException;
import org.transhume.engine.MigrationObserver;
import org.transhume.engine.MigrationState;
import org.transhume.engine.guest.WorkloadSpec;
import org.transhume.engine.incoming.IncomingMigration;
import org.transhume.engine.incoming.IncomingReport;
import org.transhume.engine.outgoing.OutgoingMigration;
import org.transhume.engine.outgoing.OutgoingReport;
import org.transhume.memory.GuestMemory;

/**
 * One migration with both sides in this process, and the operator who does what operators do: lets it go on, turns it to postcopy,
 * mends that, and gives up where there is nobody to talk to. If the guest stays, it is moved once more, by a migration that nothing
 * is done to. Used once, by one thread.
 */
final class LoopbackTrial {
    private static final long LIMIT_NANOS = TimeUnit.SECONDS.toNanos(60);
    /** From then on the operator wants it to end: no cap, a long pause. */
    private static final long IMPATIENT_NANOS = TimeUnit.SECONDS.toNanos(1);

    private static final long POLL_NANOS = TimeUnit.MILLISECONDS.toNanos(50);
    private static final long GRACE_MILLIS = 300;
    private static final long HEARD_MILLIS = 1_000;
    private static final long WHOLE_MILLIS = 30_000;
    private static final long WRITES_MILLIS = 5_000;
    private static final Duration LONG_PAUSE = Duration.ofSeconds(2);
    private static final MigrationObserver NOBODY = new MigrationObserver() {};

    private final Trial trial;
    private final Path folder;
    private final Consumer<GuestMemory> tampering;
    private final TrialResult result = new TrialResult();
    private final Ownership ownership = new Ownership();
    private final UUID uuid;
    private final BlockingQueue<MigrationState> states = new LinkedBlockingQueue<>();
    private final List<FaultyLink> links = new CopyOnWriteArrayList<>();
    private final PriorityQueue<Order> agenda = new PriorityQueue<>();
    private final Set<Fault.Moment> seen = EnumSet.noneOf(Fault.Moment.class);
    private int pauses;
    private boolean unheard; // the source was done, without an answer: it keeps nothing of what was written on the way

    /** What the operator is to do, and when. */
    private record Order(long nanos, Runnable act) implements Comparable<Order> {
        @Override
        public int compareTo(Order other) {
            return Long.compare(nanos, other.nanos);
        }
    }

    /** @param folder for sockets; nothing is left in it */
    LoopbackTrial(Trial trial, Path folder) {
        this(trial, folder, _ -> {});
    }

    /** @param tampering with what arrived, before it is looked at: to see that it is looked at */
    LoopbackTrial(Trial trial, Path folder, Consumer<GuestMemory> tampering) {
        this.tampering = tampering;
        this.trial = trial;
        this.folder = folder;
        this.uuid = new UUID(trial.seed(), trial.index());
    }

    TrialResult run() throws IOException, InterruptedException, SettingRefusedException {
        boolean release = trial.settings().has(Capability.RELEASE_RAM);
        long seed = trial.seed() + trial.index();
        try (BusyGuest source = new BusyGuest(trial.guest(), uuid, seed, ownership, release)) {
            result.uses(source.memory());
            if (trial.guest().runs()) {
                source.resume();
            }
            boolean stays;
            try (ArrivingGuest there =
                    ArrivingGuest.at(trial.place(), trial.guest(), trial.memfds(), uuid, seed, ownership)) {
                stays = move(source, there);
                result.uses(there.memory());
            }
            if (stays && result.defects().isEmpty()) {
                runsOn(source);
                moveAgain(source);
            }
        } finally {
            for (FaultyLink link : links) {
                link.close();
            }
        }
        return result;
    }

    /** @return whether the guest stays where it was */
    private boolean move(BusyGuest source, ArrivingGuest there)
            throws IOException, InterruptedException, SettingRefusedException {
        FaultyLink first = link();
        IncomingMigration in = IncomingMigration.start(
                there,
                first.listener(),
                MigrationConfigs.incoming(trial.settings().values()),
                NOBODY,
                "soak in");
        OutgoingMigration out = OutgoingMigration.start(
                source, first, MigrationConfigs.outgoing(trial.settings().values()), new Watch(source), "soak out");
        boolean ended = operate(out, in);
        OutgoingReport left = ended ? await(out.completion(), WHOLE_MILLIS) : null;
        if (left == null) {
            result.defect("it hangs: source %s, destination %s%s".formatted(out.state(), in.state(), stacks()));
            out.cancel();
            out.abandon("it hangs");
            in.abort("it hangs");
            await(out.completion(), WHOLE_MILLIS);
            await(in.completion(), WHOLE_MILLIS);
            return false;
        }
        links.forEach(link -> result.struck(link.strokes()));
        IncomingReport arrived = awaitArrival(in, left);
        in.endAnnouncements();
        if (arrived == null) {
            result.defect("the destination hangs: %s%s".formatted(in.state(), stacks()));
            return false;
        }
        result.moved(
                left.transferredBytes(),
                left.totalMillis(),
                left.downtime() == null ? -1 : left.downtime().total());
        return judge(source, there, out, left, arrived);
    }

    /** The destination, too, comes to its end; one that cannot know that there is nothing to wait for is told. */
    private IncomingReport awaitArrival(IncomingMigration in, OutgoingReport left) throws InterruptedException {
        boolean mayWait = trial.settings().has(Capability.X_HANDOVER) && !calm();
        boolean completed = left.outcome().equals("completed");
        IncomingReport arrived =
                await(in.completion(), completed ? (mayWait ? HEARD_MILLIS : WHOLE_MILLIS) : GRACE_MILLIS);
        if (arrived == null) {
            in.abort("the source ended: " + left.reason());
            arrived = await(in.completion(), WHOLE_MILLIS);
            if (completed && !mayWait) {
                result.defect("the source completed, and the destination waited on");
            }
        }
        return arrived;
    }

    private boolean judge(
            BusyGuest source, ArrivingGuest there, OutgoingMigration out, OutgoingReport left, IncomingReport arrived) {
        boolean unknown = out.state() instanceof MigrationState.Failed failed && failed.ownershipUnknown();
        boolean handover = trial.settings().has(Capability.X_HANDOVER);
        boolean leftWell = left.outcome().equals("completed");
        String story = "source %s (%s), destination %s (%s)"
                .formatted(left.outcome(), left.reason(), arrived.outcome(), arrived.reason());
        result.check("one owner at any time", ownership.violations().isEmpty(), ownership.violations() + ", " + story);
        if (trial.fault().harmless()) {
            result.check("it completes", leftWell, story);
        }
        if (arrived.outcome().equals("completed")) {
            result.outcome(leftWell ? arrivedHow() : "answer lost, the guest arrived", left.reason());
            result.check("the destination has it", ownership.atDestination(), story);
            result.check("the source stands", !source.running(), story);
            result.check("both sides know", leftWell || (unknown && !handover), story);
            compare(source, there, story);
            return false;
        }
        result.check("the destination does not have it", !ownership.atDestination() && !there.running(), story);
        boolean givenUp = trial.fault() instanceof Fault.GiveUp;
        if (givenUp && seen.contains(Fault.Moment.POSTCOPY_ACTIVE)) {
            result.outcome("given up in postcopy", left.reason());
            return false;
        }
        boolean unanswered = !trial.settings().answered() && result.strokes() > 0;
        if (leftWell || unknown) {
            result.outcome("answer lost, the guest stayed", left.reason());
            unheard = leftWell;
            result.check("who has it is known", leftWell ? unanswered : !handover || givenUp, story);
            result.check("the source stands", !source.running(), story);
            if (trial.guest().runs()) {
                source.resume(); // as its operator found out
            }
        } else {
            result.outcome(left.outcome().equals("cancelled") ? "cancelled" : "failed", left.reason());
        }
        return true;
    }

    private String arrivedHow() {
        if (seen.contains(Fault.Moment.POSTCOPY_RECOVER)) {
            return "completed in postcopy after a recovery";
        }
        return seen.contains(Fault.Moment.POSTCOPY_ACTIVE) ? "completed in postcopy" : "completed";
    }

    private void compare(BusyGuest source, ArrivingGuest there, String story) {
        there.stop();
        tampering.accept(there.memory());
        RamEquality equality = RamEquality.of(source.frozen(), there.memory().blocks(), there.ownWrites());
        result.compared(equality.comparedBytes());
        result.check(
                "RAM is equal",
                equality.difference().isEmpty(),
                equality.difference().orElse("") + ", " + story);
    }

    /** A guest that stayed goes on as before, and what it wrote on the way is not forgotten. */
    private void runsOn(BusyGuest source) {
        result.check(
                "the guest goes on at its source",
                source.running() == trial.guest().runs(),
                "running: " + source.running());
        boolean writes = trial.guest().runs() && trial.guest().workload().pattern() != WorkloadSpec.Pattern.IDLE;
        if (writes) {
            result.check("it writes on", source.awaitWrites(WRITES_MILLIS), "nothing written in 5 s");
        }
        source.pause();
        if (!unheard) {
            Set<List<Long>> forgotten = source.forgotten();
            result.check(
                    "its dirty information is whole",
                    forgotten.isEmpty(),
                    "written on the way, not told again: " + forgotten);
        }
        if (trial.guest().runs()) {
            source.resume();
        }
    }

    private void moveAgain(BusyGuest source) throws IOException, InterruptedException, SettingRefusedException {
        TrialSettings plain = TrialSettings.plain(trial.settings().channels());
        try (ArrivingGuest there = ArrivingGuest.at(
                        Trial.Place.IDLE, trial.guest(), trial.memfds(), uuid, trial.seed(), ownership);
                FaultyLink link = FaultyLink.open(links.size(), trial.unix() ? folder : null, new Fault.None())) {
            result.uses(there.memory());
            IncomingMigration in = IncomingMigration.start(
                    there, link.listener(), MigrationConfigs.incoming(plain.values()), NOBODY, "soak again in");
            OutgoingMigration out = OutgoingMigration.start(
                    source, link, MigrationConfigs.outgoing(plain.values()), NOBODY, "soak again out");
            OutgoingReport left = await(out.completion(), WHOLE_MILLIS);
            if (left == null) {
                result.defect("the second migration hangs: %s%s".formatted(out.state(), stacks()));
                out.cancel();
            }
            IncomingReport arrived = await(in.completion(), WHOLE_MILLIS);
            in.abort("it is over");
            in.endAnnouncements();
            boolean both = left != null
                    && arrived != null
                    && left.outcome().equals("completed")
                    && arrived.outcome().equals("completed");
            result.check(
                    "the second migration completes",
                    both,
                    "source %s, destination %s".formatted(out.state(), in.state()));
            if (both) {
                result.moved(left.transferredBytes(), left.totalMillis(), -1);
                result.check(
                        "one owner at any time",
                        ownership.violations().isEmpty(),
                        ownership.violations().toString());
                there.stop();
                RamEquality equality =
                        RamEquality.of(source.memory().blocks(), there.memory().blocks(), null);
                result.compared(equality.comparedBytes());
                result.check(
                        "RAM is equal after the second migration",
                        equality.difference().isEmpty(),
                        equality.difference().orElse(""));
            }
        }
    }

    /** @return whether the source came to its end */
    private boolean operate(OutgoingMigration out, IncomingMigration in) throws IOException, InterruptedException {
        long begin = System.nanoTime();
        at(IMPATIENT_NANOS, () -> {
            out.downtimeLimit(LONG_PAUSE);
            out.maxBandwidth(0);
            out.maxPostcopyBandwidth(0);
        });
        while (System.nanoTime() - begin < LIMIT_NANOS) {
            while (!agenda.isEmpty() && System.nanoTime() - agenda.peek().nanos() >= 0) {
                agenda.poll().act().run();
            }
            long wait = agenda.isEmpty()
                    ? POLL_NANOS
                    : Math.clamp(agenda.peek().nanos() - System.nanoTime(), 0, POLL_NANOS);
            MigrationState next = states.poll(wait, TimeUnit.NANOSECONDS);
            if (next == null) {
                continue;
            }
            result.entered(next.getClass().getSimpleName());
            moment(next, out, in);
            if (next.ended()) {
                return true;
            }
            switch (next) {
                case MigrationState.Active _ -> {
                    if (trial.switchAfter() >= 0) {
                        at(TimeUnit.MILLISECONDS.toNanos(trial.switchAfter()), out::startPostcopy);
                    }
                }
                case MigrationState.PreSwitchover _ -> at(POLL_NANOS / 5, out::proceed);
                case MigrationState.PostcopyPaused _ -> mend(out, in);
                default -> {
                    // Nobody has to do anything.
                }
            }
        }
        return false;
    }

    private void at(long nanosFromNow, Runnable act) {
        agenda.add(new Order(System.nanoTime() + nanosFromNow, act));
    }

    /** Faults that somebody does, rather than a connection. */
    private void moment(MigrationState state, OutgoingMigration out, IncomingMigration in) {
        Fault.Moment moment = momentOf(state);
        if (moment == null) {
            return;
        }
        boolean first = seen.add(moment);
        switch (trial.fault()) {
            case Fault.Cancel(Fault.Moment from, long millis)
            when first && from == moment -> later(millis, out::cancel);
            case Fault.Yank(boolean atSource, Fault.Moment from, long millis)
            when first && from == moment -> later(millis, atSource ? out::yank : in::yank);
            case Fault.GiveUp(Fault.Moment from, long millis)
            when first && from == moment -> later(millis, () -> in.abort("its operator does not want it"));
            case Fault.Pause(boolean atSource, int times, long millis)
            when moment == Fault.Moment.POSTCOPY_ACTIVE && pauses < times -> {
                pauses++;
                later(millis, () -> {
                    boolean _ = atSource ? out.pausePostcopy() : in.pausePostcopy();
                });
            }
            default -> {
                // It is the connections' to do, or not the time.
            }
        }
    }

    private void later(long millis, Runnable stroke) {
        at(TimeUnit.MILLISECONDS.toNanos(millis), () -> {
            result.struck(1);
            stroke.run();
        });
    }

    private static Fault.Moment momentOf(MigrationState state) {
        return switch (state) {
            case MigrationState.Setup _ -> Fault.Moment.SETUP;
            case MigrationState.Active _ -> Fault.Moment.ACTIVE;
            case MigrationState.Device _ -> Fault.Moment.DEVICE;
            case MigrationState.PostcopyActive _ -> Fault.Moment.POSTCOPY_ACTIVE;
            case MigrationState.PostcopyRecover _ -> Fault.Moment.POSTCOPY_RECOVER;
            default -> null;
        };
    }

    /** Has both sides connect again while they wait for it, and gives up where there is nobody to connect to. */
    private void mend(OutgoingMigration out, IncomingMigration in) throws IOException {
        if (!awaitHalt(in)) {
            out.abandon("the destination ended");
            return;
        }
        FaultyLink again = link();
        // What is left of a connection that broke may just be arriving there.
        boolean told = false;
        while (!told && awaitHalt(in)) {
            told = in.recover(again.listener());
        }
        if (!told) {
            out.abandon("the destination ended");
        } else if (!out.resume(again)) {
            result.defect("a paused source does not resume: " + out.state());
        }
    }

    /** @return whether it waits for another connection; else it ended */
    private boolean awaitHalt(IncomingMigration in) {
        long deadline = System.nanoTime() + LIMIT_NANOS / 2;
        while (!(in.state() instanceof MigrationState.PostcopyPaused)
                && !in.state().ended()) {
            if (System.nanoTime() - deadline >= 0) {
                result.defect("the source is paused, the destination is not: " + in.state());
                return false;
            }
            LockSupport.parkNanos(100_000);
        }
        return !in.state().ended();
    }

    private FaultyLink link() throws IOException {
        FaultyLink link = FaultyLink.open(links.size(), trial.unix() ? folder : null, trial.fault());
        links.add(link);
        return link;
    }

    private boolean calm() {
        return trial.fault() instanceof Fault.None;
    }

    private static <R> R await(CompletableFuture<R> future, long millis) throws InterruptedException {
        try {
            return future.get(millis, TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            return null;
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause());
        }
    }

    /** Where the threads of the migration stand, for whoever has to find out why it hangs. */
    private static String stacks() {
        Map<String, String> stacks = new HashMap<>();
        Thread.getAllStackTraces().forEach((thread, frames) -> {
            if (thread.getName().startsWith("soak")) {
                List<String> lines = new ArrayList<>();
                for (int i = 0; i < Math.min(8, frames.length); i++) {
                    lines.add(frames[i].toString());
                }
                stacks.put(thread.getName(), String.join(" < ", lines));
            }
        });
        return ", threads " + stacks;
    }

    /** On the thread of the migration. */
    private final class Watch implements MigrationObserver {
        private final BusyGuest source;

        Watch(BusyGuest source) {
            this.source = source;
        }

        @Override
        public void pass(int number) {
            source.writeOnTheWay();
        }

        @Override
        public void state(MigrationState state) {
            if (!links.isEmpty()) {
                Fault.Moment moment = momentOf(state);
                if (moment != null) {
                    links.getLast().at(moment);
                }
            }
            states.add(state);
        }
    }
}
