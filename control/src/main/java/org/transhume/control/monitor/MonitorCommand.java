package org.transhume.control.monitor;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.transhume.control.qmp.QmpError;

/**
 * A command of the monitor.
 *
 * @param names how it may be typed, the first one first
 * @param options letters that it takes after a dash, before all else
 * @param words what comes then, in this order
 * @param usage the same for readers
 * @param help what it does
 * @param action what it does
 */
record MonitorCommand(List<String> names, String options, List<Word> words, String usage, String help, Action action) {
    MonitorCommand {
        names = List.copyOf(names);
        words = List.copyOf(words);
    }

    /** What a word has to be. */
    enum Kind {
        TEXT,
        /** {@code on} or {@code off}, without quotes. */
        SWITCH,
        /** A whole number, decimal or hexadecimal; QEMU would take a sum, too. */
        NUMBER,
        NUMBER_IF_ANY,
        /** All that is left, as it stands. */
        REST
    }

    /** A word that it takes. */
    record Word(String name, Kind kind) {}

    /** What it was given. */
    record Given(Map<String, String> words, Set<Character> options) {
        String text(String word) {
            return words.get(word);
        }

        long number(String word) {
            return Long.decode(words.get(word));
        }

        boolean has(char option) {
            return options.contains(option);
        }
    }

    /** Does it. */
    @FunctionalInterface
    interface Action {
        /** @return what to print, lines ended by a line feed */
        String run(Given given) throws QmpError;
    }

    /** {@code stop|s}: how QEMU calls it in its complaints. */
    String title() {
        return String.join("|", names);
    }

    /** One entry of the help. */
    String helpLine(String prefix) {
        return "%s%s %s -- %s\n".formatted(prefix, title(), usage, help);
    }

    /**
     * Reads what it takes, to the end of {@code line}.
     *
     * @throws MonitorSyntaxException if it is something else
     */
    Given read(MonitorLine line) throws MonitorSyntaxException {
        Set<Character> optionsGiven = new HashSet<>();
        Map<String, String> wordsGiven = new HashMap<>();
        for (int i = 0; i < options.length(); i++) {
            if (option(line, options.charAt(i))) {
                optionsGiven.add(options.charAt(i));
            }
        }
        for (Word word : words) {
            switch (word.kind) {
                case TEXT ->
                    wordsGiven.put(
                            word.name,
                            line.word().orElseThrow(() -> new MonitorSyntaxException(title() + ": string expected")));
                case NUMBER -> wordsGiven.put(word.name, line.number());
                case NUMBER_IF_ANY -> {
                    if (!line.atEnd()) {
                        wordsGiven.put(word.name, line.number());
                    }
                }
                case REST -> wordsGiven.put(word.name, line.rest());
                case SWITCH -> {
                    String state = line.name();
                    if (!state.equals("on") && !state.equals("off")) {
                        throw new MonitorSyntaxException("Expected 'on' or 'off'");
                    }
                    wordsGiven.put(word.name, state);
                }
            }
        }
        if (!line.atEnd()) {
            throw new MonitorSyntaxException(title() + ": extraneous characters at the end of line");
        }
        return new Given(wordsGiven, optionsGiven);
    }

    private boolean option(MonitorLine line, char option) throws MonitorSyntaxException {
        try {
            return line.option(option, options);
        } catch (MonitorSyntaxException e) {
            throw new MonitorSyntaxException(title() + ": " + e.getMessage());
        }
    }
}
