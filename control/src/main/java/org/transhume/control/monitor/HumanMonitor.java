package org.transhume.control.monitor;

import static org.transhume.control.monitor.MonitorCommand.Kind.REST;
import static org.transhume.control.monitor.MonitorCommand.Kind.SWITCH;
import static org.transhume.control.monitor.MonitorCommand.Kind.TEXT;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.transhume.control.monitor.MonitorCommand.Action;
import org.transhume.control.monitor.MonitorCommand.Given;
import org.transhume.control.monitor.MonitorCommand.Word;
import org.transhume.control.qmp.Argument;
import org.transhume.control.qmp.ArgumentType;
import org.transhume.control.qmp.Arguments;
import org.transhume.control.qmp.Json;
import org.transhume.control.qmp.QmpCommand;
import org.transhume.control.qmp.QmpDispatcher;
import org.transhume.control.qmp.QmpError;
import org.transhume.control.settings.Capability;
import org.transhume.control.settings.IntegerType;
import org.transhume.control.settings.Parameter;
import org.transhume.control.settings.Profile;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.databind.node.StringNode;

/** The monitor for people: a line in, text out. What goes wrong is text, too. */
public final class HumanMonitor {
    private static final String INFO = "info ";

    private final QmpDispatcher qmp;
    private final Profile profile;
    private final List<MonitorCommand> commands;
    private final List<MonitorCommand> infos;

    private HumanMonitor(QmpDispatcher qmp) {
        this.qmp = qmp;
        this.profile = qmp.profile();
        List<MonitorCommand> lines = commands();
        List<MonitorCommand> shown = infos();
        if (profile == Profile.V10_0) {
            lines.addAll(DirtyRateLines.commands(qmp));
            shown.addAll(DirtyRateLines.infos(qmp));
        }
        this.commands = sorted(lines);
        this.infos = sorted(shown);
    }

    /** {@code human-monitor-command}, which has {@code qmp} do what lines say. */
    public static QmpCommand of(QmpDispatcher qmp) {
        HumanMonitor monitor = new HumanMonitor(qmp);
        return QmpCommand.of(
                        "human-monitor-command",
                        List.of(
                                Argument.required("command-line", new ArgumentType.Text())
                                        .about("as typed at QEMU's monitor; help lists what there is"),
                                Argument.optional("cpu-index", new ArgumentType.Whole(IntegerType.INT64))
                                        .about("0: no command here looks at a vCPU")),
                        monitor::execute)
                .returning(new ArgumentType.Text())
                .describedAs("runs one line of the human monitor, and answers what it prints, errors included");
    }

    private JsonNode execute(Arguments arguments) throws QmpError {
        if (arguments.whole("cpu-index", 0) != 0) {
            throw new QmpError("Parameter 'cpu-index' expects a CPU number");
        }
        return StringNode.valueOf(answer(arguments.text("command-line").orElseThrow()));
    }

    private String answer(String typed) {
        MonitorLine line = new MonitorLine(typed);
        if (line.atEnd()) {
            return "";
        }
        String name = line.name();
        Optional<MonitorCommand> command = find(commands, name);
        if (name.equals("info") && !line.atEnd()) {
            name = line.name();
            command = find(infos, name);
            name = INFO + name;
        }
        return (command.isEmpty() ? "unknown command: '" + name + "'\n" : run(command.get(), name, line))
                .replace("\n", "\r\n");
    }

    /** @param name the command as it was typed */
    private static String run(MonitorCommand command, String name, MonitorLine line) {
        try {
            return command.action().run(command.read(line));
        } catch (MonitorSyntaxException e) {
            return "%s\nTry \"help %s\" for more information\n".formatted(e.getMessage(), name);
        } catch (QmpError e) {
            return "Error: " + e.getMessage() + "\n";
        }
    }

    private static Optional<MonitorCommand> find(List<MonitorCommand> among, String name) {
        return among.stream().filter(command -> command.names().contains(name)).findFirst();
    }

    private List<MonitorCommand> commands() {
        List<MonitorCommand> all = new ArrayList<>(List.of(
                command("help|?", "", List.of(new Word("cmd", REST)), "[cmd]", "show the" + " help", this::help),
                command(
                        "info",
                        "",
                        List.of(),
                        "[subcommand]",
                        "show various information about the system state",
                        _ -> infoHelp()),
                command("stop|s", "", List.of(), "", "stop emulation", _ -> simply("stop")),
                command("cont|c", "", List.of(), "", "resume emulation", _ -> simply("cont")),
                command("quit|q", "", List.of(), "", "quit the emulator", _ -> simply("quit")),
                command(
                        "migrate",
                        profile == Profile.V3_1 ? "dbir" : "dr",
                        List.of(new Word("uri", TEXT)),
                        profile == Profile.V3_1 ? "[-d] [-b] [-i] [-r] uri" : "[-d] [-r] uri",
                        "migrate to URI (using -d to not wait for completion)\n"
                                + (profile == Profile.V3_1
                                        ? "\t\t\t -b for migration without shared storage with full copy of disk\n"
                                                + "\t\t\t -i for migration without shared storage with incremental"
                                                + " copy of disk (base image shared between src and destination)\n"
                                        : "")
                                + "\t\t\t -r to resume a paused postcopy migration",
                        this::migrate),
                command(
                        "migrate_cancel",
                        "",
                        List.of(),
                        "",
                        "cancel the current VM migration",
                        _ -> simply("migrate_cancel")),
                command(
                        "migrate_continue",
                        "",
                        List.of(new Word("state", TEXT)),
                        "state",
                        "Continue migration from the given paused state",
                        this::proceed),
                command(
                        "migrate_incoming",
                        "",
                        List.of(new Word("uri", TEXT)),
                        "uri",
                        "Continue an incoming migration from an -incoming defer",
                        this::incoming),
                command(
                        "migrate_recover",
                        "",
                        List.of(new Word("uri", TEXT)),
                        "uri",
                        "Continue a paused incoming postcopy migration",
                        given -> simply("migrate-recover", Json.object().put("uri", given.text("uri")))),
                command(
                        "migrate_pause",
                        "",
                        List.of(),
                        "",
                        "Pause an ongoing migration (postcopy-only)",
                        _ -> simply("migrate-pause")),
                command(
                        "migrate_start_postcopy",
                        "",
                        List.of(),
                        "",
                        "Followup to a migration command to switch the migration to postcopy mode. The postcopy-ram"
                                + " capability must be set on both source and destination before the original"
                                + " migration command .",
                        _ -> simply("migrate-start-postcopy")),
                command(
                        "migrate_set_capability",
                        "",
                        List.of(new Word("capability", TEXT), new Word("state", SWITCH)),
                        "capability state",
                        "Enable/Disable the usage of a capability for migration",
                        this::setCapability),
                command(
                        "migrate_set_parameter",
                        "",
                        List.of(new Word("parameter", TEXT), new Word("value", TEXT)),
                        "parameter value",
                        "Set the parameter for migration",
                        this::setParameter)));
        if (profile == Profile.V3_1) {
            all.add(command(
                    "migrate_set_speed",
                    "",
                    List.of(new Word("value", TEXT)),
                    "value",
                    "set maximum speed (in bytes) for migrations. Defaults to MB if no size suffix is specified, ie."
                            + " B/K/M/G/T",
                    given -> simply(
                            "migrate_set_speed",
                            Json.object()
                                    .set("value", SettingWord.value(Parameter.MAX_BANDWIDTH, given.text("value"))))));
            all.add(command(
                    "migrate_set_downtime",
                    "",
                    List.of(new Word("value", TEXT)),
                    "value",
                    "set maximum tolerated downtime (in seconds) for migrations",
                    given -> simply("migrate_set_downtime", Json.object().put("value", seconds(given.text("value"))))));
        }
        return all;
    }

    private List<MonitorCommand> infos() {
        return new ArrayList<>(List.of(
                command(
                        "migrate",
                        "",
                        List.of(),
                        "",
                        "show migration status",
                        _ -> MigrationText.of(qmp.execute("query-migrate", null), profile)),
                command(
                        "migrate_capabilities",
                        "",
                        List.of(),
                        "",
                        "show current migration capabilities",
                        _ -> SettingsText.capabilities(qmp.execute("query-migrate-capabilities", null))),
                command(
                        "migrate_parameters",
                        "",
                        List.of(),
                        "",
                        "show current migration parameters",
                        _ -> SettingsText.parameters(qmp.execute("query-migrate-parameters", null))),
                command(
                        "status",
                        "",
                        List.of(),
                        "",
                        "show the current VM status (running|paused)",
                        _ -> status(qmp.execute("query-status", null)))));
    }

    private static MonitorCommand command(
            String names, String options, List<Word> words, String usage, String help, Action action) {
        return new MonitorCommand(List.of(names.split("\\|", -1)), options, words, usage, help, action);
    }

    private static List<MonitorCommand> sorted(List<MonitorCommand> commands) {
        return commands.stream()
                .sorted(Comparator.comparing(MonitorCommand::title))
                .toList();
    }

    private String simply(String command) throws QmpError {
        return simply(command, null);
    }

    private String simply(String command, ObjectNode arguments) throws QmpError {
        JsonNode _ = qmp.execute(command, arguments);
        return "";
    }

    private String help(Given given) {
        MonitorLine about = new MonitorLine(given.text("cmd"));
        Optional<String> name = about.word();
        if (name.isEmpty()) {
            return list(commands, "");
        }
        Optional<String> sub = about.word();
        if (name.get().equals("info")) {
            return sub.map(s -> help(infos, INFO, s)).orElseGet(this::infoHelp);
        }
        return help(commands, "", name.get());
    }

    private static String help(List<MonitorCommand> among, String prefix, String name) {
        return find(among, name)
                .map(command -> command.helpLine(prefix))
                .orElse("unknown command: '" + prefix + name + "'\n");
    }

    private String infoHelp() {
        return list(infos, INFO);
    }

    private static String list(List<MonitorCommand> commands, String prefix) {
        StringBuilder text = new StringBuilder();
        commands.forEach(command -> text.append(command.helpLine(prefix)));
        return text.toString();
    }

    private static String status(JsonNode answer) {
        String state = answer.get("status").asString();
        boolean running = answer.get("running").booleanValue();
        boolean plain = state.equals("running") || state.equals("paused");
        return "VM status: " + (running ? "running" : "paused") + (plain ? "" : " (" + state + ")") + "\n";
    }

    /** Never waits for the end: a client of QMP that waited for this command could not be told of anything else. */
    private String migrate(Given given) throws QmpError {
        ObjectNode arguments = Json.object().put("uri", given.text("uri"));
        if (profile == Profile.V3_1) {
            arguments.put("blk", given.has('b')).put("inc", given.has('i'));
        }
        String _ = simply("migrate", arguments.put("resume", given.has('r')));
        return given.has('d') ? "" : "terminal does not allow synchronous migration, continuing detached\n";
    }

    /** A failure to load leaves the process, unlike that of a {@code migrate-incoming} that does not say. */
    private String incoming(Given given) throws QmpError {
        ObjectNode arguments = Json.object().put("uri", given.text("uri"));
        return simply("migrate-incoming", profile == Profile.V3_1 ? arguments : arguments.put("exit-on-error", false));
    }

    private String proceed(Given given) throws QmpError {
        String state = given.text("state");
        try {
            return simply("migrate-continue", Json.object().put("state", state));
        } catch (QmpError e) {
            throw e.getMessage().contains("does not accept value") ? invalid(state) : e;
        }
    }

    private String setCapability(Given given) throws QmpError {
        String name = given.text("capability");
        if (Capability.named(name, profile).isEmpty()) {
            throw invalid(name);
        }
        ObjectNode arguments = Json.object();
        arguments
                .putArray("capabilities")
                .addObject()
                .put("capability", name)
                .put("state", given.text("state").equals("on"));
        return simply("migrate-set-capabilities", arguments);
    }

    private String setParameter(Given given) throws QmpError {
        String name = given.text("parameter");
        Parameter parameter = Parameter.named(name, profile).orElseThrow(() -> invalid(name));
        JsonNode value = SettingWord.value(parameter, given.text("value"));
        return simply("migrate-set-parameters", Json.object().set(name, value));
    }

    private static QmpError invalid(String word) {
        return new QmpError("invalid parameter value: " + word);
    }

    private static double seconds(String word) throws QmpError {
        try {
            return Double.parseDouble(word);
        } catch (NumberFormatException e) {
            throw new QmpError("Parameter 'value' expects seconds, for instance 0.3");
        }
    }
}
