package org.transhume.control.soak;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import org.transhume.control.qmp.Json;
import org.transhume.control.qmp.QmpError;
import org.transhume.control.settings.Capability;
import tools.jackson.databind.JsonNode;

/**
 * One migration between two {@code guest} processes, of which one is killed on the way, with no more warning than a power cut gives.
 * A guest whose destination died goes to another one; one whose source died is whole at the destination, or does not run. Used once,
 * by one thread.
 */
final class ProcessTrial {
    /** A source with x-handover asks for 20 s before it takes a destination for dead. */
    private static final Duration LIMIT = Duration.ofSeconds(45);

    private static final Duration IMPATIENT = Duration.ofSeconds(3);
    private static final Set<String> ENDED = Set.of("completed", "failed", "cancelled", "gone");
    private static final Set<String> HALTED = Set.of("completed", "failed", "cancelled", "gone", "postcopy-paused");

    private final Trial trial;
    private final Path folder;
    private final Class<?> program;
    private final TrialResult result = new TrialResult();
    private final long ram;

    ProcessTrial(Trial trial, Path folder, Class<?> program) {
        this.trial = trial;
        this.folder = folder;
        this.program = program;
        this.ram = trial.guest().blocks().getFirst().bytes();
    }

    TrialResult run() throws IOException {
        try (ChildGuest source = child("source", leaving())) {
            boolean stays;
            try (ChildGuest there = child("destination", List.of("--incoming", "defer", "--machine", machine()))) {
                stays = move(source, there);
            }
            if (stays) {
                moveAgain(source);
            }
        } catch (QmpError e) {
            throw new IOException(e.getMessage(), e);
        }
        return result;
    }

    private String machine() {
        return trial.guest().machine();
    }

    private List<String> leaving() {
        List<String> options = new ArrayList<>(List.of("--machine", machine()));
        options.addAll(List.of("--workload", trial.guest().workload().toString()));
        options.addAll(List.of("--dirty-source", trial.guest().dirtySource()));
        if (!trial.guest().runs()) {
            options.add("--paused");
        }
        return options;
    }

    private ChildGuest child(String name, List<String> options) throws IOException, QmpError {
        return ChildGuest.start(name, folder, program, trial.settings(), ram, options);
    }

    /** @return whether the guest is to be moved once more */
    private boolean move(ChildGuest source, ChildGuest there) throws IOException, QmpError {
        long begin = System.nanoTime();
        String uri = there.listen(trial.unix());
        source.execute("migrate", Json.object().put("uri", uri));
        if (trial.fault() instanceof Fault.Kill(boolean killsSource, long millis)) {
            drive(source, begin + millis * 1_000_000);
            result.struck(1);
            (killsSource ? source : there).kill();
            boolean stays = killsSource ? sourceDied(source, there) : destinationDied(source, there);
            result.moved(0, (System.nanoTime() - begin) / 1e6, -1);
            return stays;
        }
        drive(source, begin + LIMIT.toNanos());
        String left = source.await(LIMIT, ENDED::contains);
        String arrived = there.await(LIMIT, ENDED::contains);
        result.moved(0, (System.nanoTime() - begin) / 1e6, -1);
        result.outcome("completed between processes", null);
        result.check(
                "it completes",
                left.equals("completed") && arrived.equals("completed"),
                "source %s (%s), destination %s".formatted(left, source.error(), arrived));
        result.check("the source stands", !source.runs(), "it runs");
        compare(source, there);
        return false;
    }

    /** What an operator does until then, or until it ended. */
    private void drive(ChildGuest source, long until) throws IOException, QmpError {
        long begin = System.nanoTime();
        boolean switched = trial.switchAfter() < 0;
        boolean impatient = false;
        while (System.nanoTime() - until < 0) {
            String status = source.status();
            if (ENDED.contains(status)) {
                return;
            }
            if (!result.states().contains(status)) {
                result.entered(status);
            }
            long passed = System.nanoTime() - begin;
            if (status.equals("pre-switchover")) {
                tell(source, "migrate-continue", Json.object().put("state", "pre-switchover"));
            } else if (status.equals("active") && !switched && passed >= trial.switchAfter() * 1_000_000) {
                switched = true;
                tell(source, "migrate-start-postcopy", Json.object());
            } else if (!impatient && passed > IMPATIENT.toNanos()) {
                impatient = true;
                tell(
                        source,
                        "migrate-set-parameters",
                        Json.object()
                                .put("downtime-limit", 2000)
                                .put("max-bandwidth", 0)
                                .put("max-postcopy-bandwidth", 0));
            }
            LockSupport.parkNanos(2_000_000);
        }
    }

    /** It may have ended meanwhile. */
    private static void tell(ChildGuest source, String command, JsonNode arguments) {
        try {
            source.execute(command, arguments);
        } catch (IOException | QmpError e) {
            // what it says next tells why
        }
    }

    private boolean destinationDied(ChildGuest source, ChildGuest there) throws IOException, QmpError {
        drive(source, System.nanoTime() + IMPATIENT.toNanos());
        String left = source.await(LIMIT, HALTED::contains);
        String story = "source %s (%s)".formatted(left, source.error());
        result.check("the source comes to an end", HALTED.contains(left) && !left.equals("gone"), story);
        switch (left) {
            case "completed" -> {
                boolean told = trial.settings().answered();
                result.outcome("completed, the destination killed", null);
                result.check("the source stands", !source.runs(), story);
                if (told) {
                    compare(source, there);
                }
                return false;
            }
            case "postcopy-paused" -> {
                result.outcome("lost in postcopy with its destination", null);
                result.check("the source stands", !source.runs(), story);
                return false;
            }
            default -> {
                boolean unknown = source.error().contains("stays paused");
                result.outcome(
                        unknown ? "answer lost, the destination killed" : "failed, the destination killed",
                        source.error());
                result.check(
                        "the guest goes on at its source",
                        source.runs() == (trial.guest().runs() && !unknown),
                        story);
                if (unknown) {
                    source.execute("cont", null); // its operator found out
                    if (!trial.guest().runs()) {
                        source.execute("stop", null);
                    }
                }
                return left.equals("failed");
            }
        }
    }

    private boolean sourceDied(ChildGuest source, ChildGuest there) {
        Duration enough = Duration.ofSeconds(trial.settings().has(Capability.X_HANDOVER) ? 5 : 20);
        String arrived = there.await(enough, HALTED::contains);
        boolean runs = there.runs();
        String story = "destination %s, %s".formatted(arrived, runs ? "running" : "not running");
        if (arrived.equals("completed")) {
            result.outcome("completed, the source killed", null);
            compare(source, there);
        } else if (arrived.startsWith("postcopy")) {
            result.outcome("lost in postcopy with its source", null);
        } else if (runs) {
            // x-handover: it has the guest, and waits to be asked about it.
            result.outcome("completed, the source killed", null);
            result.check("only x-handover waits", trial.settings().has(Capability.X_HANDOVER), story);
            compare(source, there);
        } else {
            result.outcome("failed, the source killed", null);
        }
        return false;
    }

    private void compare(ChildGuest source, ChildGuest there) {
        if (trial.settings().has(Capability.RELEASE_RAM) && trial.settings().has(Capability.POSTCOPY_RAM)) {
            return; // the source gave it back
        }
        RamEquality equality = RamEquality.of(List.of(source.ram()), List.of(there.ram()), null);
        result.compared(equality.comparedBytes());
        result.check(
                "RAM is equal",
                equality.difference().isEmpty(),
                equality.difference().orElse(""));
    }

    private void moveAgain(ChildGuest source) throws IOException, QmpError {
        try (ChildGuest there = child("second", List.of("--incoming", "defer", "--machine", machine()))) {
            source.execute(
                    "migrate-set-parameters",
                    Json.object().put("downtime-limit", 2000).put("max-bandwidth", 0));
            source.execute("migrate", Json.object().put("uri", there.listen(trial.unix())));
            drive(source, System.nanoTime() + LIMIT.toNanos());
            String left = source.await(LIMIT, ENDED::contains);
            String arrived = there.await(LIMIT, ENDED::contains);
            result.check(
                    "the second migration completes",
                    left.equals("completed") && arrived.equals("completed"),
                    "source %s (%s), destination %s".formatted(left, source.error(), arrived));
            result.check("the source stands", !source.runs(), "it runs");
            compare(source, there);
        }
    }
}
