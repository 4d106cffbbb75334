package org.transhume.control.qmp;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.util.Arrays;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.json.JsonReadFeature;
import tools.jackson.core.json.JsonWriteFeature;
import tools.jackson.core.util.MinimalPrettyPrinter;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectWriter;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Jackson, set to read what QEMU reads and to write what QEMU writes. */
public final class Json {
    /** Nothing on a monitor is deeper than this, or longer than {@link #LONGEST} bytes. */
    static final int DEEPEST = 1024;

    static final int LONGEST = 64 << 20;

    private static final byte[] CRLF = "\r\n".getBytes(US_ASCII);

    private static final JsonMapper MAPPER = JsonMapper.builder(JsonFactory.builder()
                    .enable(JsonReadFeature.ALLOW_SINGLE_QUOTES)
                    .enable(JsonReadFeature.ALLOW_BACKSLASH_ESCAPING_ANY_CHARACTER)
                    .enable(JsonWriteFeature.ESCAPE_NON_ASCII)
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(DEEPEST)
                            .maxStringLength(LONGEST)
                            .maxNameLength(LONGEST)
                            .build())
                    .build())
            .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            // An id comes back as it was sent, also where a double could not hold it.
            .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
            .build();
    private static final ObjectWriter WRITER = MAPPER.writer().with(new Spaced());

    private Json() {}

    /** A new empty object, to be filled in the order in which its members are to be written. */
    public static ObjectNode object() {
        return JsonNodeFactory.instance.objectNode();
    }

    /** Parses exactly one value. */
    public static JsonNode parse(byte[] text) throws JacksonException {
        return MAPPER.readTree(text);
    }

    /** The value as text on one line. */
    public static String text(JsonNode value) {
        return WRITER.writeValueAsString(value);
    }

    /** The value as a line to send. */
    static byte[] line(JsonNode value) {
        byte[] text = WRITER.writeValueAsBytes(value);
        byte[] line = Arrays.copyOf(text, text.length + CRLF.length);
        System.arraycopy(CRLF, 0, line, text.length, CRLF.length);
        return line;
    }

    /** A space after each colon and comma, as QEMU has it: scripts search its lines as text. */
    private static final class Spaced extends MinimalPrettyPrinter {
        private static final long serialVersionUID = 1;

        @Override
        public void writeObjectNameValueSeparator(JsonGenerator g) {
            g.writeRaw(": ");
        }

        @Override
        public void writeObjectEntrySeparator(JsonGenerator g) {
            g.writeRaw(", ");
        }

        @Override
        public void writeArrayValueSeparator(JsonGenerator g) {
            g.writeRaw(", ");
        }
    }
}
