package org.transhume.control.qmp;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.ByteArrayOutputStream;
import java.util.function.Consumer;

/**
 * Cuts a stream of bytes into JSON tokens at the places where QEMU cuts it, which says what comes back for input that is
 * no JSON. Looks only for borders: what a token means is Jackson's business.
 */
final class JsonTokens {
    enum Kind {
        OPEN_OBJECT,
        CLOSE_OBJECT,
        OPEN_ARRAY,
        CLOSE_ARRAY,
        COLON,
        COMMA,
        STRING,
        NUMBER,
        KEYWORD,
        /** No token at all: the bytes up to and with the one that does not belong there. */
        STRAY
    }

    /** One token and its bytes, each a char of {@code octets}; those of a string with its quotes. */
    record Token(Kind kind, String octets) {
        byte[] bytes() {
            return octets.getBytes(ISO_8859_1);
        }
    }

    private enum State {
        BETWEEN,
        STRING,
        ESCAPE,
        MINUS,
        ZERO,
        DIGITS,
        POINT,
        FRACTION,
        EXPONENT,
        EXPONENT_SIGN,
        EXPONENT_DIGITS,
        KEYWORD,
        /** After a stray byte: everything up to the next border is part of the same mistake. */
        SKIPPING
    }

    private final Consumer<Token> sink;
    private final ByteArrayOutputStream token = new ByteArrayOutputStream();
    private State state = State.BETWEEN;
    private int quote;

    JsonTokens(Consumer<Token> sink) {
        this.sink = sink;
    }

    /** Bytes of the token that is not complete yet. */
    int pending() {
        return token.size();
    }

    /** Forgets the token begun, and skips what may still follow of it. */
    void skip() {
        token.reset();
        state = State.SKIPPING;
    }

    /** Takes the next byte, 0..255; a token it completes goes to the sink, as does one that it shows to be complete. */
    void take(int b) {
        switch (state) {
            case BETWEEN -> begin(b);
            case STRING -> {
                if (unprintable(b)) {
                    stray(b);
                } else if (b == quote) {
                    finish(Kind.STRING, b);
                } else {
                    go(b == '\\' ? State.ESCAPE : State.STRING, b);
                }
            }
            case ESCAPE -> {
                if (unprintable(b)) {
                    stray(b);
                } else {
                    go(State.STRING, b);
                }
            }
            case MINUS -> number(b, false, b == '0' ? State.ZERO : State.DIGITS);
            case ZERO -> {
                if (digit(b)) {
                    stray(b);
                } else {
                    number(b, true, State.ZERO);
                }
            }
            case DIGITS -> number(b, true, State.DIGITS);
            case POINT -> number(b, false, State.FRACTION);
            case FRACTION -> number(b, true, State.FRACTION);
            case EXPONENT -> {
                if (b == '+' || b == '-') {
                    go(State.EXPONENT_SIGN, b);
                } else {
                    number(b, false, State.EXPONENT_DIGITS);
                }
            }
            case EXPONENT_SIGN -> number(b, false, State.EXPONENT_DIGITS);
            case EXPONENT_DIGITS -> number(b, true, State.EXPONENT_DIGITS);
            case KEYWORD -> {
                if (lower(b)) {
                    go(State.KEYWORD, b);
                } else {
                    finishBefore(Kind.KEYWORD, b);
                }
            }
            case SKIPPING -> {
                if (b == '\n' || b == '\r' || structural(b) != null || (unprintable(b) && b != '\t')) {
                    state = State.BETWEEN;
                    begin(b);
                }
            }
        }
    }

    private void begin(int b) {
        Kind structural = structural(b);
        if (structural != null) {
            finish(structural, b);
        } else if (b == '"' || b == '\'') {
            quote = b;
            go(State.STRING, b);
        } else if (b == '-') {
            go(State.MINUS, b);
        } else if (b == '0') {
            go(State.ZERO, b);
        } else if (digit(b)) {
            go(State.DIGITS, b);
        } else if (lower(b)) {
            go(State.KEYWORD, b);
        } else if (b != ' ' && b != '\t' && b != '\r' && b != '\n') {
            stray(b);
        }
    }

    /** {@code complete}: what came so far is a number already; {@code onDigit}: the state if a digit follows. */
    private void number(int b, boolean complete, State onDigit) {
        boolean exponentNext = state == State.ZERO || state == State.DIGITS || state == State.FRACTION;
        if (digit(b)) {
            go(onDigit, b);
        } else if (b == '.' && (state == State.ZERO || state == State.DIGITS)) {
            go(State.POINT, b);
        } else if ((b == 'e' || b == 'E') && exponentNext) {
            go(State.EXPONENT, b);
        } else if (complete) {
            finishBefore(Kind.NUMBER, b);
        } else {
            stray(b);
        }
    }

    private void go(State next, int b) {
        token.write(b);
        state = next;
    }

    private void finish(Kind kind, int last) {
        token.write(last);
        emit(kind, State.BETWEEN);
    }

    /** {@code b} belongs to the next token. */
    private void finishBefore(Kind kind, int b) {
        emit(kind, State.BETWEEN);
        begin(b);
    }

    private void stray(int b) {
        token.write(b);
        emit(Kind.STRAY, State.SKIPPING);
    }

    private void emit(Kind kind, State next) {
        String octets = token.toString(ISO_8859_1);
        token.reset();
        state = next;
        sink.accept(new Token(kind, octets));
    }

    private static Kind structural(int b) {
        return switch (b) {
            case '{' -> Kind.OPEN_OBJECT;
            case '}' -> Kind.CLOSE_OBJECT;
            case '[' -> Kind.OPEN_ARRAY;
            case ']' -> Kind.CLOSE_ARRAY;
            case ':' -> Kind.COLON;
            case ',' -> Kind.COMMA;
            default -> null;
        };
    }

    /** Never part of a string: control characters, and bytes that UTF-8 does not use at all. */
    private static boolean unprintable(int b) {
        return b < 0x20 || b > 0xFD;
    }

    private static boolean digit(int b) {
        return b >= '0' && b <= '9';
    }

    private static boolean lower(int b) {
        return b >= 'a' && b <= 'z';
    }
}
