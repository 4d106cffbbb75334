package org.transhume.control.conversation;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * Questions for one connection, in their order.
 *
 * @param place the process that is asked: conversations with the same place are with the same process, so its state carries on
 */
public record Conversation(String place, String title, List<Question> questions) {
    public Conversation {
        questions = List.copyOf(questions);
    }

    /** All there are, from {@code questions.txt}, which says how it is written. */
    public static List<Conversation> all() throws IOException {
        List<Conversation> all = new ArrayList<>();
        List<Question> questions = new ArrayList<>();
        List<String> ours = new ArrayList<>();
        String heading = null;
        String reason = "";
        for (String line : lines("questions.txt")) {
            char first = line.isEmpty() ? '#' : line.charAt(0);
            if (first == '=' || first == '!') {
                // They belong to the question above, which is taken out to have them added.
                if (first == '!') {
                    reason = line.substring(2);
                } else {
                    ours.add(line.substring(2));
                }
                Question last = questions.removeLast();
                questions.add(last.differing(reason, ours));
                continue;
            }
            ours.clear();
            if (line.startsWith("@ ")) {
                add(all, heading, questions);
                heading = line.substring(2);
            } else if (!line.isEmpty() && !line.equals("#") && !line.startsWith("# ")) {
                questions.add(Question.parse(line));
            }
        }
        add(all, heading, questions);
        return all;
    }

    private static void add(List<Conversation> all, String heading, List<Question> questions) {
        if (heading != null) {
            int colon = heading.indexOf(": ");
            all.add(new Conversation(heading.substring(0, colon), heading.substring(colon + 2), questions));
            questions.clear();
        }
    }

    static List<String> lines(String resource) throws IOException {
        try (InputStream in = Conversation.class.getResourceAsStream(resource)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
        }
    }

    /** The questions that are JSON objects as they stand. */
    public List<String> requests() {
        return questions.stream()
                .map(Question::text)
                .filter(text -> text.startsWith("{\"") && wellFormed(text))
                .toList();
    }

    private static boolean wellFormed(String text) {
        try {
            return new JsonMapper().readTree(text).isObject();
        } catch (JacksonException noJson) {
            return false;
        }
    }

    String heading() {
        return "@ " + place + ": " + title;
    }

    @Override
    public String toString() {
        return place + ", " + title;
    }
}
