package org.transhume.control.reference;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.transhume.control.qmp.Argument;
import org.transhume.control.qmp.Json;
import org.transhume.control.qmp.QmpCommand;
import org.transhume.control.qmp.QmpDispatcher;
import org.transhume.control.qmp.QmpError;
import org.transhume.control.qmp.QmpEvent;
import org.transhume.control.settings.Capability;
import org.transhume.control.settings.IntegerType;
import org.transhume.control.settings.Parameter;
import org.transhume.control.settings.ParameterType;
import org.transhume.control.settings.Profile;

/** Capabilities, parameters, commands and events of all profiles as Markdown. */
public final class Reference {
    private final Map<Profile, QmpDispatcher> processes;
    private final StringBuilder text = new StringBuilder();

    private Reference(Map<Profile, QmpDispatcher> processes) {
        this.processes = processes;
    }

    /** @param processes one of each profile */
    public static String markdown(Map<Profile, QmpDispatcher> processes) {
        if (processes.size() != Profile.values().length) {
            throw new IllegalArgumentException("expected a process of each profile, got " + processes.keySet());
        }
        Reference reference = new Reference(processes);
        reference.capabilities();
        reference.parameters();
        reference.commands();
        reference.events();
        reference.monitor();
        return reference.text.toString();
    }

    private void capabilities() {
        line("## Capabilities");
        line("");
        line(
                "All are off at first. `migrate-set-capabilities` and `--capability` switch them; a set that must not be is");
        line("refused as a whole.");
        line("");
        row("capability", "profiles", "what it does", "not together with", "not without");
        row("---", "---", "---", "---", "---");
        for (Capability capability : Capability.values()) {
            row(
                    code(capability.wireName()),
                    profiles(capability::in),
                    capability.description() + (capability.built() ? "" : " **(not built)**"),
                    codes(capability.conflicts().stream()
                            .map(Capability::wireName)
                            .toList()),
                    codes(capability.needs().stream().map(Capability::wireName).toList()));
        }
        line("");
        line("A destination has to switch on "
                + codes(Arrays.stream(Capability.values())
                        .filter(Capability::beforeListening)
                        .map(Capability::wireName)
                        .toList())
                + " before it listens.");
        line("");
        line("A capability that is not built is known and listed, but cannot be switched on. Where a profile has");
        line("`x-multifd` in place of `multifd`, what is said of the one holds for the other.");
        line("");
    }

    private void parameters() {
        line("## Parameters");
        line("");
        line(
                "`migrate-set-parameters` and `--parameter` set them at any time, checked as a whole. Integers are those of profile");
        line("10.0; in 3.1 all are `int64`. Sizes on the command line may end in k, M, G or T.");
        line("");
        row("parameter", "profiles", "type", "unit", "range", "default", "takes effect", "what it is");
        row("---", "---", "---", "---", "---", "---", "---", "---");
        for (Parameter parameter : Parameter.values()) {
            row(
                    code(parameter.wireName()),
                    profiles(parameter::in),
                    type(parameter),
                    parameter.unit(),
                    parameter.range(),
                    defaults(parameter),
                    parameter.effect(),
                    parameter.description() + (parameter.built() ? "" : " **(only the default is built)**"));
        }
        line("");
        line("Values that do not go together are refused with these words:");
        line("");
        Parameter.refusalsBetween().forEach(refusal -> line("* " + refusal));
        line("");
    }

    private static String type(Parameter parameter) {
        return switch (parameter.type(Profile.V10_0)) {
            case ParameterType.Whole(IntegerType type) -> type.shortName();
            case ParameterType.Flag _ -> "bool";
            case ParameterType.Text _ -> "str or null";
            case ParameterType.Choice _ -> "enum";
            case ParameterType.Mapping _ -> "list";
        };
    }

    private static String defaults(Parameter parameter) {
        Map<Profile, String> values = new EnumMap<>(Profile.class);
        for (Profile profile : Profile.values()) {
            if (parameter.in(profile)) {
                values.put(profile, shown(parameter.shownDefault(profile)));
            }
        }
        return values.values().stream().distinct().count() == 1
                ? values.values().iterator().next()
                : values.entrySet().stream()
                        .map(value -> value.getValue() + " (" + value.getKey() + ")")
                        .collect(Collectors.joining(", "));
    }

    private static String shown(Optional<String> value) {
        return value.map(text -> text.isEmpty() ? "`\"\"`" : text).orElse("absent");
    }

    private void commands() {
        line("## Commands");
        line("");
        row("command", "profiles", "out of band", "what it does");
        row("---", "---", "---", "---");
        List<String> names = names(QmpDispatcher::commands, QmpCommand::name);
        for (String name : names) {
            QmpCommand command = latest(QmpDispatcher::commands, QmpCommand::name, name);
            row(
                    "[" + code(name) + "](#" + name + ")",
                    profiles(profile -> found(profile, QmpDispatcher::commands, QmpCommand::name, name)
                            .isPresent()),
                    command.oob() ? "yes" : "",
                    command.description());
        }
        line("");
        names.forEach(this::command);
    }

    private void command(String name) {
        QmpCommand command = latest(QmpDispatcher::commands, QmpCommand::name, name);
        line("### " + name);
        line("");
        line(sentence(command.description()) + " " + sentence("accepted " + command.when())
                + command.features().stream()
                        .map(feature -> " " + sentence("**" + feature.wireName() + "**"))
                        .collect(Collectors.joining()));
        line("");
        perProfile(name, "Takes", c -> Members.of(c.arguments()), "Takes no arguments.");
        perProfile(name, "Answers", c -> Members.of(c.result()), "");
    }

    /** One list if all profiles that have the command agree, else one for each. */
    private void perProfile(String name, String verb, Function<QmpCommand, List<String>> part, String otherwise) {
        Map<Profile, List<String>> parts = new EnumMap<>(Profile.class);
        for (Profile profile : Profile.values()) {
            found(profile, QmpDispatcher::commands, QmpCommand::name, name)
                    .ifPresent(command -> parts.put(profile, part.apply(command)));
        }
        boolean agreed = parts.values().stream().distinct().count() == 1;
        for (Map.Entry<Profile, List<String>> one : parts.entrySet()) {
            List<String> lines = one.getValue();
            String where = agreed ? "" : " in profile " + one.getKey();
            if (lines.isEmpty()) {
                line(otherwise, !otherwise.isEmpty());
            } else if (lines.size() == 1 && !lines.getFirst().startsWith("*")) {
                line(verb + where + " " + lines.getFirst() + ".", true);
            } else {
                line(verb + where + ":");
                line("");
                lines.forEach(this::line);
                line("");
            }
            if (agreed) {
                return;
            }
        }
    }

    private void events() {
        line("## Events");
        line("");
        line("They go to all monitors that have negotiated, with one timestamp.");
        line("");
        row("event", "profiles", "data", "when");
        row("---", "---", "---", "---");
        for (String name : names(QmpDispatcher::events, QmpEvent::name)) {
            QmpEvent event = latest(QmpDispatcher::events, QmpEvent::name, name);
            row(
                    code(name),
                    profiles(profile -> found(profile, QmpDispatcher::events, QmpEvent::name, name)
                            .isPresent()),
                    event.data().stream()
                            .map(Argument::name)
                            .map(Reference::code)
                            .collect(Collectors.joining(", ")),
                    event.description());
        }
        line("");
    }

    /** What it lists itself. */
    private void monitor() {
        line("## Human monitor");
        line("");
        line("`human-monitor-command` takes lines as QEMU's monitor does. `help` and `info` list them:");
        for (Profile profile : Profile.values()) {
            line("");
            line("In profile " + profile + ":");
            line("");
            line("```");
            text.append(said(profile, "help")).append(said(profile, "info"));
            line("```");
        }
        line("");
    }

    private String said(Profile profile, String command) {
        try {
            return processes
                    .get(profile)
                    .execute("human-monitor-command", Json.object().put("command-line", command))
                    .asString()
                    .replace("\r", "");
        } catch (QmpError e) {
            throw new IllegalStateException(command + " of profile " + profile, e);
        }
    }

    private <T> List<String> names(Function<QmpDispatcher, List<T>> table, Function<T, String> name) {
        return List.copyOf(processes.values().stream()
                .flatMap(process -> table.apply(process).stream())
                .map(name)
                .collect(Collectors.toCollection(TreeSet::new)));
    }

    private <T> Optional<T> found(
            Profile profile, Function<QmpDispatcher, List<T>> table, Function<T, String> name, String wanted) {
        return table.apply(processes.get(profile)).stream()
                .filter(entry -> name.apply(entry).equals(wanted))
                .findFirst();
    }

    /** The entry of the latest profile that has it. */
    private <T> T latest(Function<QmpDispatcher, List<T>> table, Function<T, String> name, String wanted) {
        List<T> all = new ArrayList<>();
        for (Profile profile : Profile.values()) {
            found(profile, table, name, wanted).ifPresent(all::add);
        }
        return all.getLast();
    }

    private static String profiles(Predicate<Profile> in) {
        return Arrays.stream(Profile.values()).filter(in).map(Profile::label).collect(Collectors.joining(", "));
    }

    private static String sentence(String words) {
        return Character.toUpperCase(words.charAt(0)) + words.substring(1) + ".";
    }

    static String code(String name) {
        return "`" + name + "`";
    }

    private static String codes(List<String> names) {
        return names.stream().map(Reference::code).collect(Collectors.joining(", "));
    }

    private void row(String... cells) {
        line(Arrays.stream(cells)
                .map(cell -> cell.replace("|", "\\|"))
                .collect(Collectors.joining(" | ", "| ", " |"))
                .replace("  ", " "));
    }

    private void line(String words, boolean paragraph) {
        if (paragraph) {
            line(words);
            line("");
        }
    }

    private void line(String words) {
        text.append(words).append('\n');
    }
}
