package org.transhume.control.monitor;

import java.util.Optional;
import java.util.regex.Pattern;

/** A line, read from left to right. Words end at blanks, or stand in double quotes with backslashes before special characters. */
final class MonitorLine {
    /** As {@link Long#decode} reads it, and never too long for that. */
    private static final Pattern NUMBER = Pattern.compile("-?(0x[0-9a-fA-F]{1,15}|0|[1-9][0-9]{0,17})");

    private final String line;
    private int at;

    MonitorLine(String line) {
        this.line = line;
    }

    /** Whether nothing but blanks is left. */
    boolean atEnd() {
        skipBlanks();
        return at == line.length();
    }

    /** The next characters up to a blank, whatever they are; empty at the end. */
    String name() {
        skipBlanks();
        int from = at;
        while (at < line.length() && !blank(at)) {
            at++;
        }
        return line.substring(from, at);
    }

    /** The next word; empty at the end, or if its quotes do not end or hold an escape that nobody knows. */
    Optional<String> word() {
        skipBlanks();
        if (at == line.length()) {
            return Optional.empty();
        }
        return line.charAt(at) == '"' ? quoted() : Optional.of(name());
    }

    private Optional<String> quoted() {
        StringBuilder word = new StringBuilder();
        for (at++; at < line.length() && line.charAt(at) != '"'; at++) {
            char c = line.charAt(at);
            if (c == '\\') {
                at++;
                switch (at < line.length() ? line.charAt(at) : 0) {
                    case 'n' -> word.append('\n');
                    case 'r' -> word.append('\r');
                    case '\\' -> word.append('\\');
                    case '\'' -> word.append('\'');
                    case '"' -> word.append('"');
                    default -> {
                        return Optional.empty();
                    }
                }
            } else {
                word.append(c);
            }
        }
        if (at == line.length()) {
            return Optional.empty();
        }
        at++;
        return Optional.of(word.toString());
    }

    /** @throws MonitorSyntaxException if the next word is no whole number */
    String number() throws MonitorSyntaxException {
        String number = name();
        if (number.isEmpty()) {
            throw new MonitorSyntaxException("unexpected end of expression");
        }
        if (!NUMBER.matcher(number).matches()) {
            throw new MonitorSyntaxException("invalid char '%s' in expression".formatted(number.charAt(0)));
        }
        return number;
    }

    String rest() {
        String rest = line.substring(at);
        at = line.length();
        return rest;
    }

    /**
     * Takes {@code -option} if it is next.
     *
     * @param known all options of the command; another that is known is left for later
     * @throws MonitorSyntaxException if it is an option that nobody knows
     */
    boolean option(char option, String known) throws MonitorSyntaxException {
        skipBlanks();
        if (at == line.length() || line.charAt(at) != '-') {
            return false;
        }
        char next = at + 1 < line.length() ? line.charAt(at + 1) : 0;
        if (next == option) {
            at += 2;
            return true;
        }
        if (next == 0 || known.indexOf(next) < 0) {
            throw new MonitorSyntaxException("unsupported option -" + (next == 0 ? "" : next));
        }
        return false;
    }

    private void skipBlanks() {
        while (at < line.length() && blank(at)) {
            at++;
        }
    }

    private boolean blank(int index) {
        return Character.isWhitespace(line.charAt(index));
    }
}
