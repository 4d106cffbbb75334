package org.transhume.control.conversation;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * One line of a conversation.
 *
 * @param text what is sent, or what is waited for
 * @param kind how its answers are compared
 * @param reason why ours differ, empty if they do not
 * @param ours what we answer where that differs
 */
record Question(String text, Kind kind, String reason, List<String> ours) {
    enum Kind {
        /** Equal values. */
        EXACT(""),
        /** Equal names and types: figures of a moment. */
        SHAPE("~"),
        /** What QEMU says is there, beside extensions. */
        CONTAINED("+"),
        /** No question: waits for an event. */
        AWAIT("await "),
        /** No question either: until query-status says so, which a QEMU does a little later than its events. */
        POLL("poll ");

        private final String prefix;

        Kind(String prefix) {
            this.prefix = prefix;
        }
    }

    private static final Pattern BYTE = Pattern.compile("\\\\x([0-9a-f]{2})");

    Question {
        ours = List.copyOf(ours);
    }

    static Question parse(String line) {
        Kind kind = Stream.of(Kind.SHAPE, Kind.CONTAINED, Kind.AWAIT, Kind.POLL)
                .filter(k -> line.startsWith(k.prefix))
                .findFirst()
                .orElse(Kind.EXACT);
        return new Question(line.substring(kind.prefix.length()), kind, "", List.of());
    }

    Question differing(String why, List<String> answers) {
        return new Question(text, kind, why, answers);
    }

    String line() {
        return kind.prefix + text;
    }

    /** What goes to the socket: the text, with each {@code \xHH} as that byte. */
    byte[] bytes() {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        Matcher escape = BYTE.matcher(text);
        int from = 0;
        while (escape.find()) {
            bytes.writeBytes(text.substring(from, escape.start()).getBytes(UTF_8));
            bytes.write(HexFormat.fromHexDigits(escape.group(1)));
            from = escape.end();
        }
        bytes.writeBytes(text.substring(from).getBytes(UTF_8));
        return bytes.toByteArray();
    }
}
