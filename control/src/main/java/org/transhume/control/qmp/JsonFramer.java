package org.transhume.control.qmp;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.transhume.control.qmp.JsonTokens.Kind;
import org.transhume.control.qmp.JsonTokens.Token;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * Finds JSON values in a stream of bytes that has no framing: a value ends with its last bracket, whatever follows. After
 * a mistake it goes on with the next token. One thread.
 */
final class JsonFramer {
    private static final int MOST_TOKENS = 2 << 20;

    /** Where values and mistakes go, in the order of the stream. */
    interface Receiver {
        void value(JsonNode value);

        void fault(String desc);
    }

    private final Receiver receiver;
    private final JsonTokens lexer = new JsonTokens(this::token);
    private final List<Token> tokens = new ArrayList<>();
    private int bytes;
    private int braces;
    private int brackets;

    JsonFramer(Receiver receiver) {
        this.receiver = receiver;
    }

    /** Takes all that {@code input} has. */
    void take(ByteBuffer input) {
        while (input.hasRemaining()) {
            lexer.take(Byte.toUnsignedInt(input.get()));
            if (bytes + lexer.pending() > Json.LONGEST) {
                lexer.skip();
                fault("JSON token size limit exceeded");
            }
        }
    }

    private void token(Token token) {
        switch (token.kind()) {
            case OPEN_OBJECT -> braces++;
            case CLOSE_OBJECT -> braces--;
            case OPEN_ARRAY -> brackets++;
            case CLOSE_ARRAY -> brackets--;
            case STRAY -> {
                fault("JSON parse error, stray '" + printable(token.bytes()) + "'");
                return;
            }
            case COLON, COMMA, STRING, NUMBER, KEYWORD -> {}
        }
        tokens.add(token);
        bytes += token.octets().length();
        if (braces + brackets > Json.DEEPEST) {
            fault("JSON nesting depth limit exceeded");
        } else if (tokens.size() > MOST_TOKENS) {
            fault("JSON token count limit exceeded");
        } else if (braces < 0 || brackets < 0 || (braces == 0 && brackets == 0)) {
            List<Token> complete = List.copyOf(tokens);
            forget();
            parse(complete);
        }
    }

    private void parse(List<Token> complete) {
        // Jackson lets pass what QEMU objects to inside strings.
        boolean doubtful = complete.stream().anyMatch(JsonFramer::escapesOrNotAscii);
        JsonNode value = null;
        try {
            value = Json.parse(joined(complete));
        } catch (JacksonException | NumberFormatException refused) { // the latter for an exponent of twenty digits
            doubtful = true;
        }
        String complaint = doubtful ? JsonComplaint.about(complete).orElse(null) : null;
        if (complaint != null) {
            receiver.fault("JSON parse error, " + complaint);
        } else if (value != null) {
            receiver.value(value);
        } else {
            // Left over are texts that only Jackson minds, such as a number, or an exponent, of too many digits.
            receiver.fault("JSON parse error, expecting value");
        }
    }

    private static boolean escapesOrNotAscii(Token token) {
        return token.kind() == Kind.STRING && token.octets().chars().anyMatch(b -> b == '\\' || b >= 0x80);
    }

    private static byte[] joined(List<Token> tokens) {
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        for (Token token : tokens) {
            text.writeBytes(token.bytes());
            text.write(' ');
        }
        return text.toByteArray();
    }

    private void fault(String desc) {
        forget();
        receiver.fault(desc);
    }

    private void forget() {
        tokens.clear();
        bytes = 0;
        braces = 0;
        brackets = 0;
    }

    /** As QEMU prints it: up to the first NUL, with a replacement for what is not UTF-8. */
    private static String printable(byte[] bytes) {
        String text = new String(bytes, UTF_8);
        int nul = text.indexOf('\0');
        return nul < 0 ? text : text.substring(0, nul);
    }
}
