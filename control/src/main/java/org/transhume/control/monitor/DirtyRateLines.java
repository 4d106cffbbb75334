package org.transhume.control.monitor;

import static org.transhume.control.monitor.MonitorCommand.Kind.NUMBER;
import static org.transhume.control.monitor.MonitorCommand.Kind.NUMBER_IF_ANY;

import java.util.List;
import org.transhume.control.monitor.MonitorCommand.Given;
import org.transhume.control.monitor.MonitorCommand.Word;
import org.transhume.control.qmp.Json;
import org.transhume.control.qmp.QmpDispatcher;
import org.transhume.control.qmp.QmpError;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code calc_dirty_rate}, the limits of vCPUs, and what {@code info} shows of them. */
final class DirtyRateLines {
    private static final String LIMITS_ARE_SHOWN =
            "[Please use 'info vcpu_dirty_limit' to query dirty limit for virtual CPU]\n";

    private final QmpDispatcher qmp;

    private DirtyRateLines(QmpDispatcher qmp) {
        this.qmp = qmp;
    }

    static List<MonitorCommand> commands(QmpDispatcher qmp) {
        DirtyRateLines lines = new DirtyRateLines(qmp);
        Word vcpu = new Word("cpu_index", NUMBER_IF_ANY);
        return List.of(
                new MonitorCommand(
                        List.of("calc_dirty_rate"),
                        "rb",
                        List.of(new Word("second", NUMBER), new Word("sample_pages_per_GB", NUMBER_IF_ANY)),
                        "[-r] [-b] second [sample_pages_per_GB]",
                        String.join(
                                "\n\t\t\t ",
                                "start a round of guest dirty rate measurement (using -r to",
                                "specify dirty ring as the method of calculation and",
                                "-b to specify dirty bitmap as method of calculation)"),
                        lines::measure),
                new MonitorCommand(
                        List.of("set_vcpu_dirty_limit"),
                        "",
                        List.of(new Word("dirty_rate", NUMBER), vcpu),
                        "dirty_rate [cpu_index]",
                        "set dirty page rate limit, use cpu_index to set limit\n\t\t\t\t\t on a specified virtual cpu",
                        lines::limit),
                new MonitorCommand(
                        List.of("cancel_vcpu_dirty_limit"),
                        "",
                        List.of(vcpu),
                        "[cpu_index]",
                        "cancel dirty page rate limit, use cpu_index to cancel\n"
                                + "\t\t\t\t\t limit on a specified virtual cpu",
                        lines::cancel));
    }

    static List<MonitorCommand> infos(QmpDispatcher qmp) {
        return List.of(
                new MonitorCommand(
                        List.of("dirty_rate"),
                        "",
                        List.of(),
                        "",
                        "show dirty rate information",
                        _ -> rate(qmp.execute("query-dirty-rate", null))),
                new MonitorCommand(
                        List.of("vcpu_dirty_limit"),
                        "",
                        List.of(),
                        "",
                        "show dirty page limit information of all vCPU",
                        _ -> limits(qmp.execute("query-vcpu-dirty-limit", null))));
    }

    private String measure(Given given) throws QmpError {
        long seconds = given.number("second");
        if (seconds == 0) {
            return "Incorrect period length specified!\n";
        }
        if (given.has('r') && given.has('b')) {
            return "Either dirty ring or dirty bitmap can be specified!\n";
        }
        ObjectNode arguments = Json.object().put("calc-time", seconds);
        if (given.text("sample_pages_per_GB") != null) {
            arguments.put("sample-pages", given.number("sample_pages_per_GB"));
        }
        arguments.put("mode", given.has('r') ? "dirty-ring" : given.has('b') ? "dirty-bitmap" : "page-sampling");
        JsonNode _ = qmp.execute("calc-dirty-rate", arguments);
        return "Starting dirty rate measurement with period %d seconds\n[Please use 'info dirty_rate' to check results]\n"
                .formatted(seconds);
    }

    private String limit(Given given) throws QmpError {
        JsonNode _ = qmp.execute("set-vcpu-dirty-limit", vcpu(given).put("dirty-rate", given.number("dirty_rate")));
        return LIMITS_ARE_SHOWN;
    }

    private String cancel(Given given) throws QmpError {
        JsonNode _ = qmp.execute("cancel-vcpu-dirty-limit", vcpu(given));
        return LIMITS_ARE_SHOWN;
    }

    private static ObjectNode vcpu(Given given) {
        ObjectNode arguments = Json.object();
        return given.text("cpu_index") == null ? arguments : arguments.put("cpu-index", given.number("cpu_index"));
    }

    /** The start is in seconds, whatever its unit says: so it is in QEMU. */
    private static String rate(JsonNode info) {
        StringBuilder text = new StringBuilder();
        boolean sampled = info.get("mode").asString().equals("page-sampling");
        text.append("Status: %s\n".formatted(info.get("status").asString()));
        text.append("Start Time: %s (ms)\n".formatted(info.get("start-time").asString()));
        if (sampled) {
            text.append("Sample Pages: %s (per GB)\n"
                    .formatted(info.get("sample-pages").asString()));
        }
        text.append("Period: %s (sec)\n".formatted(info.get("calc-time").asString()));
        text.append("Mode: %s\n".formatted(info.get("mode").asString()));
        text.append("Dirty rate: %s\n"
                .formatted(info.has("dirty-rate") ? info.get("dirty-rate").asString() + " (MB/s)" : "(not ready)"));
        for (JsonNode vcpu : info.path("vcpu-dirty-rate")) {
            text.append("vcpu[%s], Dirty rate: %s (MB/s)\n"
                    .formatted(vcpu.get("id").asString(), vcpu.get("dirty-rate").asString()));
        }
        return text.toString();
    }

    private static String limits(JsonNode list) {
        if (list.isEmpty()) {
            return "Dirty page limit not enabled!\n";
        }
        StringBuilder text = new StringBuilder();
        for (JsonNode vcpu : list) {
            text.append("vcpu[%s], limit rate %s (MB/s), current rate %s (MB/s)\n"
                    .formatted(
                            vcpu.get("cpu-index").asString(),
                            vcpu.get("limit-rate").asString(),
                            vcpu.get("current-rate").asString()));
        }
        return text.toString();
    }
}
