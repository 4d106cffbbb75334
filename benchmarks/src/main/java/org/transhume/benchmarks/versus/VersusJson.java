package org.transhume.benchmarks.versus;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** All that was measured, for a program: each single run, and what follows from them. */
final class VersusJson {
    private static final JsonMapper JSON = new JsonMapper();

    private VersusJson() {}

    /** @param machine names and values that say what was compared */
    static void write(Path file, Map<String, String> machine, Map<Limit, Spread> limits, List<Comparison> comparisons) {
        ObjectNode all = JSON.createObjectNode();
        machine.forEach(all::put);
        ObjectNode gib = all.putObject("limits-gib-per-second");
        limits.forEach((limit, rate) -> spread(gib.putObject(limit.title()), rate));
        ArrayNode cases = all.putArray("cases");
        comparisons.forEach(comparison -> write(cases.addObject(), comparison));
        JSON.writerWithDefaultPrettyPrinter().writeValue(file, all);
    }

    private static void write(ObjectNode into, Comparison comparison) {
        into.put("case", comparison.work().text())
                .put("title", comparison.work().title())
                .put("ram-bytes", comparison.ram());
        ArrayNode rounds = into.putArray("rounds");
        for (Round round : comparison.rounds()) {
            ObjectNode one = rounds.addObject();
            round.qemu().ifPresent(trial -> write(one.putObject("qemu"), trial));
            write(one.putObject("transhume"), round.fresh());
            write(one.putObject("transhume-warm"), round.warm());
        }
        ObjectNode memory = into.putObject("memory-beyond-ram-bytes");
        comparison.qemuMemory().ifPresent(theirs -> write(memory.putObject("qemu"), theirs));
        write(memory.putObject("transhume"), comparison.memory());
        if (comparison.qemuMemory().isPresent()) {
            ObjectNode times = into.putObject("qemu-over-transhume");
            spread(times.putObject("time"), comparison.times(Round::fresh, Trial::millis));
            spread(times.putObject("time-warm"), comparison.times(Round::warm, Trial::millis));
            spread(times.putObject("cpu"), comparison.times(Round::fresh, Trial::cpu));
            spread(times.putObject("cpu-warm"), comparison.times(Round::warm, Trial::cpu));
        }
        ArrayNode floors = into.putArray("floors");
        comparison
                .floors()
                .forEach(floor -> floors.addObject()
                        .put("what", floor.what())
                        .put("came", floor.came())
                        .put("met", floor.met()));
    }

    private static void write(ObjectNode into, Trial trial) {
        into.put("total-time-ms", trial.millis())
                .put("wire-bytes", trial.wireBytes())
                .put("source-cpu-seconds", trial.sourceCpu())
                .put("destination-cpu-seconds", trial.destinationCpu());
    }

    private static void write(ObjectNode into, Memory memory) {
        into.put("source", memory.source()).put("destination", memory.destination());
    }

    private static void spread(ObjectNode into, Spread spread) {
        into.put("median", spread.median()).put("min", spread.min()).put("max", spread.max());
    }
}
