package org.transhume.engine.handover;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.function.Predicate;

/** Every state that can be reached from the first one, breadth first: what is wrong in one is told with the shortest way to it. */
final class Exploration {
    private record Reached(World from, String step) {}

    private final Map<World, Reached> reached = new HashMap<>();
    private final List<World> quiet = new ArrayList<>();

    Exploration(Agreement agreement, Rules rules, Set<Fault> faults) {
        World first = World.of(agreement);
        Queue<World> waiting = new ArrayDeque<>(List.of(first));
        reached.put(first, new Reached(null, "the guest stands at the source"));
        while (!waiting.isEmpty()) {
            World world = waiting.remove();
            boolean goesOn = false;
            for (World.Step step : world.next(rules, faults)) {
                goesOn |= step.fault() == null && !step.world().equals(world);
                if (reached.putIfAbsent(step.world(), new Reached(world, step.what())) == null) {
                    waiting.add(step.world());
                }
            }
            if (!goesOn) {
                quiet.add(world);
            }
        }
    }

    int states() {
        return reached.size();
    }

    /** States in which nothing happens any more, unless something goes wrong. */
    int quietStates() {
        return quiet.size();
    }

    /** How many of those are like this. */
    long quiet(Predicate<World> what) {
        return quiet.stream().filter(what).count();
    }

    boolean reaches(Predicate<World> what) {
        return reached.keySet().stream().anyMatch(what);
    }

    /** Fails unless all states are as they must be. */
    void check() {
        for (World world : reached.keySet()) {
            require(world, !(world.source().runs() && world.destination().runs()), "both run the guest");
        }
        quiet.forEach(this::checkEnd);
    }

    private void checkEnd(World world) {
        World.Source source = world.source();
        World.Destination destination = world.destination();
        boolean asked = world.agreement() != Agreement.UNANSWERED;
        require(world, !source.alive() || source.report() != World.Report.NONE, "the source hangs");
        require(world, !destination.alive() || destination.report() != World.Report.NONE, "the destination hangs");
        if (source.alive()) {
            switch (source.report()) {
                case FAILED, CANCELLED -> require(world, source.runs(), "failed, and not resumed");
                case COMPLETED -> require(world, asked && destination.ran(), "completed, and never ran there");
                case COMPLETED_UNASKED -> require(world, !asked, "nobody was asked, though somebody could be");
                case OWNERSHIP_UNKNOWN ->
                    require(world, source.handedOver(), "unknown before anything was handed over");
                case NONE -> throw new AssertionError("checked above");
            }
            require(world, source.runs() || source.handedOver(), "nobody may run, before anything was handed over");
        }
        if (destination.alive()) {
            require(
                    world,
                    destination.runs() == (destination.report() == World.Report.COMPLETED),
                    "the destination says something else than it does");
        }
        if (!source.runs() && !destination.runs()) {
            // A guest whose owner died is gone; but where it was nobody's, whoever is left says so.
            boolean said = !source.alive()
                    || source.report() == World.Report.OWNERSHIP_UNKNOWN
                    || source.report() == World.Report.COMPLETED_UNASKED
                    || destination.ran();
            require(world, said, "nobody runs the guest, and the source does not say so");
        }
    }

    private void require(World world, boolean holds, String otherwise) {
        if (!holds) {
            throw new AssertionError("%s:%n%s".formatted(otherwise, wayTo(world)));
        }
    }

    private String wayTo(World world) {
        List<String> steps = new ArrayList<>();
        for (World at = world; at != null; at = reached.get(at).from()) {
            steps.addFirst(reached.get(at).step());
        }
        return String.join("\n", steps) + "\n" + world;
    }
}
