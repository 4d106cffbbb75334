package org.transhume.channels;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Objects;

/**
 * Where a migration goes to or comes from, in QEMU's URI syntax. Immutable; two addresses are equal when they name the
 * same place in the same words.
 */
public sealed interface Address {

    /** A TCP port. An empty host means every interface to a listener and the loopback to a connector. */
    record Tcp(String host, int port) implements Address {
        public Tcp {
            if (host.indexOf('[') >= 0 || host.indexOf(']') >= 0) {
                throw new IllegalArgumentException("host " + host + " has brackets; they belong to the URI only");
            }
            if (port < 0 || port > 65535) {
                throw new IllegalArgumentException("port " + port + " is outside 0..65535");
            }
        }

        @Override
        public String uri() {
            return "tcp:" + hostAndPort();
        }

        /** {@code host:port}, an IPv6 host in brackets. */
        String hostAndPort() {
            return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port;
        }
    }

    /** A Unix stream socket in the file system. */
    record Unix(Path path) implements Address {
        public Unix {
            requireName(path);
        }

        @Override
        public String uri() {
            return "unix:" + path;
        }
    }

    /** A file, from byte {@code offset} on; what lies below belongs to somebody else and is kept. */
    record File(Path path, long offset) implements Address {
        public File {
            requireName(path);
            if (offset < 0) {
                throw new IllegalArgumentException("file offset " + offset + " is negative");
            }
        }

        @Override
        public String uri() {
            boolean plain = offset == 0 && path.toString().indexOf(OFFSET_OPTION) < 0;
            return "file:" + path + (plain ? "" : OFFSET_OPTION + offset);
        }
    }

    /** A shell command: its standard input takes what we write, its standard output is what we read. */
    record Exec(String command) implements Address {
        public Exec {
            if (command.isEmpty()) {
                throw new IllegalArgumentException("empty command");
            }
        }

        @Override
        public String uri() {
            return "exec:" + command;
        }
    }

    /** A file descriptor that this process inherited. */
    record Fd(int number) implements Address {
        public Fd {
            if (number < 0) {
                throw new IllegalArgumentException("file descriptor " + number + " is negative");
            }
        }

        @Override
        public String uri() {
            return "fd:" + number;
        }
    }

    /** Precedes the offset in a file's URI. The last one counts, so that a path may contain it. */
    String OFFSET_OPTION = ",offset=";

    /** Canonical text; {@code parse(uri())} equals this. */
    String uri();

    /** Whether several connections can be made to it: the condition for multifd and for a postcopy preempt channel. */
    default boolean multiChannel() {
        return this instanceof Tcp || this instanceof Unix;
    }

    /**
     * Reads {@code tcp:HOST:PORT} (IPv6 as {@code [::1]}), {@code unix:PATH}, {@code file:PATH[,offset=N]} (N decimal,
     * {@code 0x} hexadecimal, or decimal with a suffix of K, M, G or T), {@code exec:COMMAND}, {@code fd:N}.
     *
     * @throws IllegalArgumentException with QEMU's text, if it is none of them
     */
    static Address parse(String uri) {
        int colon = uri.indexOf(':');
        String rest = uri.substring(colon + 1);
        return switch (colon < 0 ? "" : uri.substring(0, colon)) {
            case "tcp" -> parseTcp(rest);
            case "unix" -> {
                if (rest.isEmpty()) {
                    throw new IllegalArgumentException("invalid Unix socket address");
                }
                yield new Unix(parsePath(rest, rest));
            }
            case "file" -> parseFile(rest);
            case "exec" -> {
                if (rest.isEmpty()) {
                    throw unreadable(rest);
                }
                yield new Exec(rest);
            }
            case "fd" -> parseFd(rest);
            default -> throw new IllegalArgumentException("unknown migration protocol: " + uri);
        };
    }

    private static Address parseTcp(String rest) {
        int colon = rest.lastIndexOf(':');
        if (colon < 0) {
            throw unreadable(rest);
        }
        String host = rest.substring(0, colon);
        if (host.startsWith("[") && (!host.endsWith("]") || host.length() == 2)) {
            throw new IllegalArgumentException("error parsing IPv6 address '" + rest + "'");
        }
        if (host.startsWith("[")) {
            host = host.substring(1, host.length() - 1);
        } else if (host.indexOf(':') >= 0) {
            throw unreadable(rest);
        }
        if (host.indexOf('[') >= 0 || host.indexOf(']') >= 0) {
            throw unreadable(rest);
        }
        return new Tcp(host, parseNumber(rest.substring(colon + 1), rest, 65535));
    }

    private static Address parseFd(String rest) {
        if (rest.isEmpty()) {
            throw new IllegalArgumentException("invalid file descriptor address");
        }
        try {
            return new Fd(parseNumber(rest, rest, Integer.MAX_VALUE));
        } catch (IllegalArgumentException noNumber) {
            throw new IllegalArgumentException("File descriptor named '" + rest + "' has not been found", noNumber);
        }
    }

    private static Address parseFile(String rest) {
        int option = rest.lastIndexOf(OFFSET_OPTION);
        if (option < 0) {
            return new File(parsePath(rest, rest), 0);
        }
        long offset = parseOffset(rest.substring(option + OFFSET_OPTION.length()));
        return new File(parsePath(rest.substring(0, option), rest), offset);
    }

    private static Path parsePath(String text, String rest) {
        if (text.isEmpty()) {
            throw unreadable(rest);
        }
        try {
            return Path.of(text);
        } catch (InvalidPathException e) {
            throw new IllegalArgumentException(unreadable(rest).getMessage(), e);
        }
    }

    private static int parseNumber(String text, String rest, int max) {
        // parseInt alone would take a sign and the digits of any script
        if (!text.matches("[0-9]{1,10}") || Long.parseLong(text) > max) {
            throw unreadable(rest);
        }
        return Integer.parseInt(text);
    }

    private static long parseOffset(String text) {
        try {
            if (text.matches("0[xX][0-9a-fA-F]{1,16}")) {
                return Long.parseLong(text.substring(2), 16);
            }
            if (text.matches("[0-9]{1,19}[kKmMgGtT]?")) {
                int shift =
                        10 * (1 + "kmgt".indexOf(text.toLowerCase(Locale.ROOT).charAt(text.length() - 1)));
                long number = Long.parseLong(shift == 0 ? text : text.substring(0, text.length() - 1));
                return Math.multiplyExact(number, 1L << shift);
            }
        } catch (ArithmeticException | NumberFormatException e) {
            throw new IllegalArgumentException(badOffset(text), e);
        }
        throw new IllegalArgumentException(badOffset(text));
    }

    private static String badOffset(String text) {
        return "file URI has bad offset " + text + ": Invalid argument";
    }

    private static IllegalArgumentException unreadable(String rest) {
        return new IllegalArgumentException("error parsing address '" + rest + "'");
    }

    private static void requireName(Path path) {
        if (Objects.requireNonNull(path).toString().isEmpty()) {
            throw new IllegalArgumentException("empty path");
        }
    }
}
