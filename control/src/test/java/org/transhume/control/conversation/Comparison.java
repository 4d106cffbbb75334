package org.transhume.control.conversation;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Holds what we said against what a QEMU said. */
public final class Comparison {
    private static final JsonMapper JSON = new JsonMapper();

    private Comparison() {}

    /** Where the two differ without a reason, in words; and where a reason is given, but not needed any more. */
    public static List<String> of(Conversation conversation, Transcript theirs, Transcript ours) {
        List<String> complaints = new ArrayList<>();
        if (!normal(theirs.greeting(), false).equals(normal(ours.greeting(), false))) {
            complaints.add(said("the greeting", List.of(theirs.greeting()), List.of(ours.greeting())));
        }
        for (int i = 0; i < conversation.questions().size(); i++) {
            Question question = conversation.questions().get(i);
            List<String> wanted = theirs.answers().get(i);
            List<String> got = ours.answers().get(i);
            boolean shape = question.kind() == Question.Kind.SHAPE;
            boolean alike = question.kind() == Question.Kind.CONTAINED
                    ? contains(normal(got, false), normal(wanted, false))
                    : normal(wanted, shape).equals(normal(got, shape));
            if (question.reason().isEmpty()) {
                if (!alike) {
                    complaints.add(said(question.line(), wanted, got));
                }
            } else if (alike) {
                // What was not built may be by now; every other reason has to go when it is not true any more.
                if (!question.reason().contains("not built")) {
                    complaints.add(question.line() + "\n    does not differ any more: " + question.reason());
                }
            } else if (!normal(question.ours(), shape).equals(normal(got, shape))) {
                complaints.add(said(question.line() + " (" + question.reason() + ")", question.ours(), got));
            }
        }
        if (!normal(theirs.events(), false).equals(normal(ours.events(), false))) {
            complaints.add(said("events", theirs.events(), ours.events()));
        }
        return complaints;
    }

    private static String said(String question, List<String> wanted, List<String> got) {
        return question + "\n    expected " + String.join("\n             ", wanted) + "\n    but got  "
                + String.join("\n             ", got);
    }

    private static boolean contains(Object all, Object some) {
        if (all instanceof Map<?, ?> members && some instanceof Map<?, ?> wanted) {
            return wanted.entrySet().stream().allMatch(w -> contains(members.get(w.getKey()), w.getValue()));
        }
        if (all instanceof List<?> elements && some instanceof List<?> wanted) {
            return wanted.stream().allMatch(w -> elements.stream().anyMatch(e -> contains(e, w)));
        }
        return some.equals(all);
    }

    private static List<Object> normal(List<String> lines, boolean shape) {
        return lines.stream().map(line -> normal(line, shape)).toList();
    }

    private static Object normal(String line, boolean shape) {
        try {
            return normal(JSON.readTree(line), shape);
        } catch (JacksonException noJson) {
            return line;
        }
    }

    /** Without the order of members, the notation of numbers, and the name of the product. */
    private static Object normal(JsonNode value, boolean shape) {
        if (value.isObject()) {
            Map<String, Object> members = new TreeMap<>();
            for (Map.Entry<String, JsonNode> member : value.properties()) {
                boolean product = member.getKey().equals("package");
                members.put(member.getKey(), normal(member.getValue(), shape || product));
            }
            return members;
        }
        if (value.isArray()) {
            return value.valueStream().map(element -> normal(element, shape)).toList();
        }
        if (shape) {
            return value.getNodeType();
        }
        if (value.isNumber()) {
            double number = value.asDouble();
            return value.isIntegralNumber() ? value.bigIntegerValue() : whole(number);
        }
        return value;
    }

    private static Object whole(double number) {
        return number == Math.rint(number) && Math.abs(number) < 1L << 53 ? BigInteger.valueOf((long) number) : number;
    }
}
