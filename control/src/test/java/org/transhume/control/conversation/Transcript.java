package org.transhume.control.conversation;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.EOFException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.transhume.control.qmp.QmpPeer;

/**
 * What a monitor said in a conversation.
 *
 * @param greeting the first line
 * @param answers to each question, none to a wait
 * @param events all of them in their order, without their times; they come when they come
 */
public record Transcript(String greeting, List<List<String>> answers, List<String> events) {
    private static final Question STATUS = Question.parse("{\"execute\": \"query-status\"}");
    private static final Pattern TIME = Pattern.compile("^\\{\"timestamp\": \\{[^}]*}, ");
    /** How often memory was looked through depends on what the guest wrote. */
    private static final String PASS = "\"event\": \"MIGRATION_PASS\"";

    /** Holds {@code conversation} with the monitor at {@code socket}. */
    public static Transcript of(Conversation conversation, Path socket) throws IOException {
        String asked = "the greeting";
        try (QmpPeer peer = new QmpPeer(socket)) {
            List<List<String>> answers = new ArrayList<>();
            List<String> events = new ArrayList<>();
            String greeting = next(peer);
            int seen = 0;
            for (Question question : conversation.questions()) {
                List<String> said = new ArrayList<>();
                asked = question.line();
                switch (question.kind()) {
                    case AWAIT -> seen = await(question.text(), peer, events, seen);
                    case POLL -> poll(question.text(), peer, events);
                    case EXACT, SHAPE, CONTAINED -> ask(question, peer, said, events);
                }
                answers.add(said);
            }
            return new Transcript(greeting, answers, events);
        } catch (IOException e) {
            throw new IOException(conversation + ": no answer to " + asked, e);
        }
    }

    /** Sends a question, and one more whose answer ends what is said to the first. */
    private static void ask(Question question, QmpPeer peer, List<String> said, List<String> events)
            throws IOException {
        peer.send(question.bytes());
        peer.send("\n{\"execute\": \"query-version\", \"id\": \"end of answers\"}\n".getBytes(UTF_8));
        for (String line = next(peer); !line.contains("\"id\": \"end of answers\""); line = next(peer)) {
            if (!event(line, events)) {
                said.add(line);
            }
        }
    }

    /** Waits for the next event after the first {@code seen} that contains {@code text}; returns how many are seen then. */
    private static int await(String text, QmpPeer peer, List<String> events, int seen) throws IOException {
        for (int at = seen; ; at++) {
            while (at == events.size()) {
                String line = next(peer);
                if (!event(line, events)) {
                    throw new IOException("an answer that nobody asked for: " + line);
                }
            }
            if (events.get(at).contains(text)) {
                return at + 1;
            }
        }
    }

    private static void poll(String text, QmpPeer peer, List<String> events) throws IOException {
        List<String> said = new ArrayList<>(List.of(""));
        while (!said.getLast().contains(text)) {
            ask(STATUS, peer, said, events);
        }
    }

    private static boolean event(String line, List<String> events) {
        boolean event = TIME.matcher(line).find();
        if (event && !line.contains(PASS)) {
            events.add(TIME.matcher(line).replaceFirst("{"));
        }
        return event;
    }

    private static String next(QmpPeer peer) throws IOException {
        String line = peer.line();
        if (line == null) {
            throw new EOFException("the monitor hung up");
        }
        return line;
    }

    /** As lines to keep. */
    public List<String> recorded(Conversation conversation) {
        List<String> lines = new ArrayList<>(List.of(conversation.heading(), "< " + greeting));
        for (int i = 0; i < answers.size(); i++) {
            lines.add("> " + conversation.questions().get(i).line());
            answers.get(i).forEach(answer -> lines.add("< " + answer));
        }
        events.forEach(event -> lines.add("* " + event));
        return lines;
    }

    /** What {@code recorded-session.txt} has of {@code conversation}. */
    public static Transcript recordedOf(Conversation conversation) throws IOException {
        List<String> all = Conversation.lines("recorded-session.txt");
        int at = all.indexOf(conversation.heading());
        List<String> asked = new ArrayList<>();
        List<List<String>> answers = new ArrayList<>();
        List<String> events = new ArrayList<>();
        for (at += 2; at < all.size() && !all.get(at).startsWith("@ "); at++) {
            String text = all.get(at).substring(2);
            switch (all.get(at).charAt(0)) {
                case '>' -> {
                    asked.add(text);
                    answers.add(new ArrayList<>());
                }
                case '<' -> answers.getLast().add(text);
                default -> events.add(text);
            }
        }
        List<String> now = conversation.questions().stream().map(Question::line).toList();
        if (!asked.equals(now)) {
            throw new AssertionError("the questions of \"" + conversation
                    + "\" have changed since they were recorded: run SameAnswersAsQemuIT with -Drecord.session=FILE");
        }
        return new Transcript(all.get(all.indexOf(conversation.heading()) + 1).substring(2), answers, events);
    }
}
