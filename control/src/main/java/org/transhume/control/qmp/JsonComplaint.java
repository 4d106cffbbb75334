package org.transhume.control.qmp;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.transhume.control.qmp.JsonTokens.Kind;
import org.transhume.control.qmp.JsonTokens.Token;

/** Says in QEMU's words what is wrong with a value that is no JSON. Builds nothing: values are Jackson's to parse. */
final class JsonComplaint extends Exception {
    private static final long serialVersionUID = 1;
    private static final Token END = new Token(Kind.STRAY, "");
    private static final Set<String> KEYWORDS = Set.of("true", "false", "null");

    private JsonComplaint(String text) {
        super(text, null, false, false);
    }

    /** The first thing wrong with {@code tokens}, if anything is. */
    static Optional<String> about(List<Token> tokens) {
        try {
            Iterator<Token> rest = tokens.iterator();
            value(next(rest), rest);
            return Optional.empty();
        } catch (JsonComplaint complaint) {
            return Optional.of(complaint.getMessage());
        }
    }

    private static void value(Token first, Iterator<Token> rest) throws JsonComplaint {
        switch (first.kind()) {
            case OPEN_OBJECT -> object(rest);
            case OPEN_ARRAY -> array(rest);
            case STRING -> string(first.bytes());
            case KEYWORD -> {
                String word = new String(first.bytes(), UTF_8);
                require(KEYWORDS.contains(word), "invalid keyword '" + word + "'");
            }
            case NUMBER -> {}
            case CLOSE_OBJECT, CLOSE_ARRAY, COLON, COMMA, STRAY -> throw new JsonComplaint("expecting value");
        }
    }

    private static void object(Iterator<Token> rest) throws JsonComplaint {
        Set<String> names = new HashSet<>();
        Token token = next(rest);
        if (token.kind() == Kind.CLOSE_OBJECT) {
            return;
        }
        while (true) {
            value(token, rest);
            require(token.kind() == Kind.STRING, "key is not a string in object");
            require(next(rest).kind() == Kind.COLON, "missing : in object pair");
            value(next(rest), rest);
            require(names.add(Json.parse(token.bytes()).stringValue()), "duplicate key");
            token = next(rest);
            if (token.kind() == Kind.CLOSE_OBJECT) {
                return;
            }
            require(token.kind() == Kind.COMMA, "expected separator in dict");
            token = next(rest);
        }
    }

    private static void array(Iterator<Token> rest) throws JsonComplaint {
        Token token = next(rest);
        if (token.kind() == Kind.CLOSE_ARRAY) {
            return;
        }
        while (true) {
            value(token, rest);
            token = next(rest);
            if (token.kind() == Kind.CLOSE_ARRAY) {
                return;
            }
            require(token.kind() == Kind.COMMA, "expected separator in list");
            token = next(rest);
        }
    }

    private static void string(byte[] quoted) throws JsonComplaint {
        String text = decoded(quoted);
        for (int at = text.indexOf('\\'); at >= 0; at = text.indexOf('\\', at)) {
            char kind = text.charAt(at + 1);
            require("\"'\\/bfnrtu".indexOf(kind) >= 0, "invalid escape sequence in string");
            at += kind == 'u' ? unicodeEscape(text, at) : 2;
        }
        require(text.codePoints().noneMatch(JsonComplaint::nonCharacter), "invalid UTF-8 sequence in string");
    }

    /** Length of the escape, or of the pair of escapes, at {@code at}. */
    private static int unicodeEscape(String text, int at) throws JsonComplaint {
        String escape = text.substring(at, Math.min(at + 6, text.length()));
        int unit = unit(text, at);
        require(unit >= 0 && !nonCharacter(unit), escape + " is not a valid Unicode character");
        if (!Character.isSurrogate((char) unit)) {
            return 6;
        }
        int low = unit(text, at + 6);
        boolean pair = Character.isHighSurrogate((char) unit) && low >= 0 && Character.isLowSurrogate((char) low);
        require(
                pair && !nonCharacter(Character.toCodePoint((char) unit, (char) low)),
                escape + " is not a valid Unicode character");
        return 12;
    }

    /** The sixteen bits that the escape at {@code at} stands for, or -1 if there is none. */
    private static int unit(String text, int at) {
        if (!text.startsWith("\\u", at) || at + 6 > text.length()) {
            return -1;
        }
        int unit = 0;
        for (char c : text.substring(at + 2, at + 6).toCharArray()) {
            int digit = c < 0x80 ? Character.digit(c, 16) : -1;
            if (digit < 0) {
                return -1;
            }
            unit = unit << 4 | digit;
        }
        return unit;
    }

    private static boolean nonCharacter(int codePoint) {
        return (codePoint & 0xFFFE) == 0xFFFE || (codePoint >= 0xFDD0 && codePoint <= 0xFDEF);
    }

    private static String decoded(byte[] bytes) throws JsonComplaint {
        try {
            return UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
        } catch (CharacterCodingException notUtf8) {
            throw new JsonComplaint("invalid UTF-8 sequence in string");
        }
    }

    private static Token next(Iterator<Token> rest) {
        return rest.hasNext() ? rest.next() : END;
    }

    private static void require(boolean holds, String otherwise) throws JsonComplaint {
        if (!holds) {
            throw new JsonComplaint(otherwise);
        }
    }
}
