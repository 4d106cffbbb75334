package org.transhume.control.reference;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.transhume.control.qmp.Argument;
import org.transhume.control.qmp.ArgumentType;
import org.transhume.control.settings.Capability;
import org.transhume.control.settings.Parameter;
import org.transhume.control.settings.Profile;

/** A type as lines for readers: a list of its members, or one line without a star if it has none. */
final class Members {
    private static final String INDENT = "  ";

    private final List<String> lines = new ArrayList<>();

    private Members() {}

    /** What a command takes; no lines if nothing. */
    static List<String> of(List<Argument> arguments) {
        return of(new ArgumentType.Struct(arguments));
    }

    /** What a command answers; no lines if nothing. */
    static List<String> of(ArgumentType type) {
        if (type instanceof ArgumentType.Struct(List<Argument> members) && members.isEmpty()) {
            return List.of();
        }
        if (parameters(type)) {
            return List.of("any of the [parameters](#parameters), by name");
        }
        Members members = new Members();
        members.addInside(type, "");
        String words = words(type);
        if (members.lines.isEmpty()) {
            members.lines.add(words);
        } else if (!(type instanceof ArgumentType.Struct)) {
            members.lines.addFirst("* " + words);
            for (int i = 1; i < members.lines.size(); i++) {
                members.lines.set(i, INDENT + members.lines.get(i));
            }
        }
        return members.lines;
    }

    private static boolean parameters(ArgumentType type) {
        return type instanceof ArgumentType.Struct(List<Argument> members)
                && members.stream().allMatch(Members::parameter);
    }

    private static boolean parameter(Argument member) {
        for (Profile profile : Profile.values()) {
            if (Parameter.named(member.name(), profile).isPresent()) {
                return member.optional() && member.about().isEmpty();
            }
        }
        return false;
    }

    private void add(Argument member, String indent) {
        String about = member.about().isEmpty() ? "" : ": " + member.about();
        lines.add(indent + "* " + Reference.code(member.name()) + " " + words(member.type())
                + (member.optional() ? ", optional" : "") + about);
        addInside(member.type(), indent + INDENT);
    }

    private void addInside(ArgumentType type, String indent) {
        switch (type) {
            case ArgumentType.Struct(List<Argument> members) -> members.forEach(member -> add(member, indent));
            case ArgumentType.ListOf(ArgumentType element) -> addInside(element, indent);
            case ArgumentType.Union union -> {
                union.common().forEach(member -> add(member, indent));
                lines.add(indent + "* " + Reference.code(union.selector()) + " " + words(union.selectorType()));
                for (String branch : union.selectorType().told()) {
                    int before = lines.size();
                    addInside(union.branches().get(branch), indent + INDENT);
                    if (lines.size() > before) {
                        lines.add(before, indent + "* and with " + Reference.code(branch));
                    }
                }
            }
            default -> {
                // a type without members
            }
        }
    }

    private static String words(ArgumentType type) {
        return switch (type) {
            case ArgumentType.Text _ -> "str";
            case ArgumentType.TextOrNull _ -> "str or null";
            case ArgumentType.Flag _ -> "bool";
            case ArgumentType.Decimal _ -> "number";
            case ArgumentType.Anything _ -> "any value";
            case ArgumentType.Whole whole -> whole.type().shortName();
            case ArgumentType.ListOf(ArgumentType element) -> "list of " + words(element);
            case ArgumentType.Struct _, ArgumentType.Union _ -> "object";
            case ArgumentType.Choice choice when capabilities(choice) -> "a [capability](#capabilities)";
            case ArgumentType.Choice choice ->
                choice.told().stream()
                        .map(Reference::code)
                        .collect(Collectors.joining(", ", choice.told().size() > 1 ? "one of " : "", ""));
        };
    }

    private static boolean capabilities(ArgumentType.Choice choice) {
        return choice.told().contains(Capability.EVENTS.wireName());
    }
}
