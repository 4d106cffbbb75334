package org.transhume.control.qmp;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What a client is told about input that is not as it should be; all of it as QEMU 10.0.2 answered. */
class QmpBadInputTest {
    private static QmpFixture monitor;

    /** Input, and the descs that come back for it. */
    record Row(String input, List<String> descs) {
        Row(String input, String... descs) {
            this(input, List.of(descs));
        }

        @Override
        public String toString() {
            return input;
        }
    }

    @BeforeAll
    static void open() throws IOException {
        monitor = new QmpFixture();
    }

    @AfterAll
    static void close() throws IOException {
        monitor.close();
    }

    private static final String OBJECT = "QMP input must be a JSON object";
    private static final String VALUE = "JSON parse error, expecting value";

    static List<Row> syntax() {
        return List.of(
                new Row("{\"execute\": }", VALUE),
                new Row("{\"execute\":\"query-status\",}", VALUE),
                new Row("{\"a\" \"b\"}", "JSON parse error, missing : in object pair"),
                new Row("{\"a\" xyz}", "JSON parse error, missing : in object pair"),
                new Row("{\"a\"}", "JSON parse error, missing : in object pair"),
                new Row("{\"a\":1 \"b\":2}", "JSON parse error, expected separator in dict"),
                new Row("{\"a\":1:2}", "JSON parse error, expected separator in dict"),
                new Row("[1 2]", "JSON parse error, expected separator in list"),
                new Row("[1}", "JSON parse error, expected separator in list"),
                new Row("[[1}", "JSON parse error, expected separator in list"),
                new Row("{1:2}", "JSON parse error, key is not a string in object"),
                new Row("{{}:1}", "JSON parse error, key is not a string in object"),
                new Row("{null:1}", "JSON parse error, key is not a string in object"),
                new Row("[1,]", VALUE),
                new Row("[}", VALUE),
                new Row("{]", VALUE),
                new Row("{,}", VALUE),
                new Row("}", VALUE),
                new Row("{\"a\":]}", VALUE, VALUE),
                new Row("{\"a\":1]}", "JSON parse error, expected separator in dict", VALUE),
                new Row("xyz", "JSON parse error, invalid keyword 'xyz'"),
                new Row("{a:1}", "JSON parse error, invalid keyword 'a'"),
                new Row("{\"a\":nul}", "JSON parse error, invalid keyword 'nul'"),
                new Row("[xyz,abc]", "JSON parse error, invalid keyword 'xyz'"),
                new Row("\0", "JSON parse error, stray ''"),
                new Row("\u00ff", "JSON parse error, stray '\ufffd'"),
                new Row("\u00ff\u00ff", "JSON parse error, stray '\ufffd'", "JSON parse error, stray '\ufffd'"),
                new Row("@ 12 \"a\" xyz", "JSON parse error, stray '@'"),
                new Row("@\r12 [1]", "JSON parse error, stray '@'", OBJECT, OBJECT),
                new Row("@\00112 [1]", "JSON parse error, stray '@'", "JSON parse error, stray '\001'", OBJECT),
                new Row("{\"execute\":\"q\u00ff\"}", "JSON parse error, stray '\"q\ufffd'", VALUE),
                new Row("{\"id\":\u00ff,1}", "JSON parse error, stray '\ufffd'", VALUE, OBJECT, VALUE),
                new Row("{\"execute\":\001\"query-status\"}", "JSON parse error, stray '\001'", VALUE),
                new Row("{\"id\":\"a\tb\"}", "JSON parse error, stray '\"a\t'", VALUE),
                new Row("01 ", "JSON parse error, stray '01'"),
                new Row("- ", "JSON parse error, stray '- '"),
                new Row("1.x", "JSON parse error, stray '1.x'"),
                new Row("1e ", "JSON parse error, stray '1e '"),
                new Row(".5", "JSON parse error, stray '.'"),
                new Row("aB ", "JSON parse error, invalid keyword 'a'", "JSON parse error, stray 'B'"),
                new Row("0x10", OBJECT, "JSON parse error, invalid keyword 'x'", OBJECT),
                new Row("{\"id\":\"\\ud800\"}", "JSON parse error, \\ud800 is not a valid Unicode character"),
                new Row("{\"id\":\"\\uD800\\n\"}", "JSON parse error, \\uD800 is not a valid Unicode character"),
                new Row("{\"id\":\"\\udc00\"}", "JSON parse error, \\udc00 is not a valid Unicode character"),
                new Row("{\"id\":\"\\ufffe\"}", "JSON parse error, \\ufffe is not a valid Unicode character"),
                new Row("{\"id\":\"\\u12\"}", "JSON parse error, \\u12\" is not a valid Unicode character"),
                new Row("{\"id\":\"\\u12G4\"}", "JSON parse error, \\u12G4 is not a valid Unicode character"),
                new Row("{\"id\":\"\\x\"}", "JSON parse error, invalid escape sequence in string"),
                new Row("{\"id\":\"\u00c3(\"}", "JSON parse error, invalid UTF-8 sequence in string"),
                new Row("{\"id\":\"\u00ed\u00a0\u0080\"}", "JSON parse error, invalid UTF-8 sequence in string"),
                new Row("{\"id\":\"\u00ef\u00b7\u0090\"}", "JSON parse error, invalid UTF-8 sequence in string"),
                new Row("{\"id\":12E345678901234567890123}", VALUE),
                new Row("{\"id\":1e-99999999999}", VALUE),
                new Row("{\"a\":1,\"a\":2}", "JSON parse error, duplicate key"),
                new Row("{\"a\":1,\"\\u0061\":2}", "JSON parse error, duplicate key"),
                new Row("{\"a\":1,\"a\":2 3}", "JSON parse error, duplicate key"),
                new Row("{\"id\":{\"b\":1,\"b\":2}}", "JSON parse error, duplicate key"),
                new Row("[1]", OBJECT),
                new Row("\"s\"", OBJECT),
                new Row("''", OBJECT),
                new Row("12 ", OBJECT),
                new Row("true1 ", OBJECT, OBJECT),
                new Row("1.5e+3 ", OBJECT),
                new Row("-0 ", OBJECT));
    }

    static List<Row> requests() {
        return List.of(
                new Row("{}", "QMP input lacks member 'execute'"),
                new Row("{\"arguments\":{}}", "QMP input lacks member 'execute'"),
                new Row("{\"exec\":\"query-version\"}", "QMP input member 'exec' is unexpected"),
                new Row("{\"execute\":5}", "QMP input member 'execute' must be a string"),
                new Row("{\"execute\":\"x\",\"arguments\":null}", "QMP input member 'arguments' must be an object"),
                new Row("{\"execute\":\"x\",\"arguments\":[]}", "QMP input member 'arguments' must be an object"),
                new Row("{\"exec-oob\":\"ping\"}", "QMP input member 'exec-oob' is unexpected"),
                new Row(call("query-version", "{'foo':1}"), "Parameter 'foo' is unexpected"),
                new Row(call("migrate-recover", "{}"), "Parameter 'uri' is missing"),
                new Row(call("migrate-recover", "{'uri':5}"), "Invalid parameter type for 'uri', expected: string"),
                new Row(call("migrate", "{'resume':'x'}"), "Invalid parameter type for 'resume', expected: boolean"),
                new Row(
                        call("migrate-set-capabilities", "{'capabilities':1}"),
                        "Invalid parameter type for 'capabilities', expected: array"),
                new Row(
                        call("migrate-set-capabilities", "{'capabilities':[1]}"),
                        "Invalid parameter type for 'capabilities[0]', expected: object"),
                new Row(
                        call("migrate-set-capabilities", "{'capabilities':[{'capability':'events'}]}"),
                        "Parameter 'capabilities[0].state' is missing"),
                new Row(
                        call(
                                "migrate-set-capabilities",
                                "{'capabilities':[{'capability':'events','state':true,'z':1}]}"),
                        "Parameter 'capabilities[0].z' is unexpected"),
                new Row(
                        call("migrate-set-capabilities", "{'capabilities':[{'z':1}]}"),
                        "Parameter 'capabilities[0].capability' is missing"),
                new Row(
                        call("migrate-set-capabilities", "{'capabilities':[{'capability':5,'state':true}]}"),
                        "Invalid parameter type for 'capabilities[0].capability', expected: string"),
                new Row(
                        call("migrate-set-capabilities", "{'capabilities':[{'capability':'block','state':true}]}"),
                        "Parameter 'capability' does not accept value 'block'"),
                new Row(call("migrate-set-capabilities", "{'capabilities':[],'z':1}"), "Parameter 'z' is unexpected"),
                new Row(
                        call(
                                "migrate",
                                "{'channels':[{'channel-type':'main','addr':{'transport':'socket','type':'unix'}}]}"),
                        "Parameter 'channels[0].addr.path' is missing"),
                new Row(
                        call("migrate", "{'channels':[{'channel-type':'bad','addr':{}}]}"),
                        "Parameter 'channel-type' does not accept value 'bad'"),
                new Row(
                        call("migrate", "{'channels':[{'channel-type':'main','addr':{}}]}"),
                        "Parameter 'channels[0].addr.transport' is missing"),
                new Row(
                        call("migrate", "{'channels':[{'channel-type':'main','addr':{'transport':'smoke'}}]}"),
                        "Parameter 'transport' does not accept value 'smoke'"),
                new Row(
                        call(
                                "migrate",
                                "{'channels':[{'channel-type':'main','addr':{'transport':'exec','args':['a'],'x':1}}]}"),
                        "Parameter 'channels[0].addr.x' is unexpected"),
                parameter("'tls-creds':5", "Invalid parameter type for 'tls-creds', expected: StrOrNull"),
                parameter("'max-bandwidth':'a'", "Parameter 'max-bandwidth' expects uint64"),
                parameter("'max-bandwidth':1.5", "Parameter 'max-bandwidth' expects uint64"),
                parameter("'max-bandwidth':1e6", "Parameter 'max-bandwidth' expects uint64"),
                parameter("'max-bandwidth':null", "Parameter 'max-bandwidth' expects uint64"),
                parameter("'max-bandwidth':18446744073709551616", "Parameter 'max-bandwidth' expects uint64"),
                parameter("'max-bandwidth':-9223372036854775809", "Parameter 'max-bandwidth' expects uint64"),
                parameter("'cpu-throttle-initial':256", "Parameter 'cpu-throttle-initial' expects uint8_t"),
                parameter("'cpu-throttle-initial':-1", "Parameter 'cpu-throttle-initial' expects uint8_t"),
                parameter("'cpu-throttle-initial':'1'", "Parameter 'cpu-throttle-initial' expects uint64"),
                parameter("'x-checkpoint-delay':4294967296", "Parameter 'x-checkpoint-delay' expects uint32_t"),
                parameter("'mode':'bogus'", "Parameter 'mode' does not accept value 'bogus'"),
                parameter("'mode':5", "Invalid parameter type for 'mode', expected: string"),
                parameter("'zz':1,'mode':'x'", "Parameter 'mode' does not accept value 'x'"),
                parameter("'mode':'x','max-bandwidth':'a'", "Parameter 'max-bandwidth' expects uint64"),
                parameter(
                        "'downtime-limit':-1",
                        "Parameter 'downtime_limit' expects an integer in the range of 0 to (2000 * 1000) ms"),
                parameter(
                        "'block-bitmap-mapping':[{'node-name':'n'}]",
                        "Parameter 'block-bitmap-mapping[0].alias' is missing"),
                new Row(call("wait", "{'time':'x'}"), "Invalid parameter type for 'time', expected: integer"),
                new Row(
                        call("wait", "{'time':9223372036854775808}"),
                        "Invalid parameter type for 'time', expected: integer"),
                new Row(call("break", "{}"), "Internal error in break: java.lang.IllegalStateException: on purpose"));
    }

    @ParameterizedTest
    @MethodSource("syntax")
    void answersWhatIsNoJsonAsQemuDoes(Row row) throws IOException {
        List<String> answers;
        try (QmpPeer peer = QmpPeer.negotiated(monitor.path)) {
            answers = peer.answersTo(row.input().getBytes(ISO_8859_1));
        }

        assertEquals(expected(row), answers);
    }

    @ParameterizedTest
    @MethodSource("requests")
    void answersWhatIsNoProperRequestAsQemuDoes(Row row) throws IOException {
        List<String> answers;
        try (QmpPeer peer = QmpPeer.negotiated(monitor.path)) {
            answers = peer.answersTo(row.input().getBytes(UTF_8));
        }

        assertEquals(expected(row), answers);
    }

    @Test
    void saysThatACommandIsNotThereWithAClassOfItsOwn() throws IOException {
        List<String> answers;
        try (QmpPeer peer = QmpPeer.negotiated(monitor.path)) {
            answers = peer.answersTo("{'execute':'nosuch','arguments':{'x':1}}");
        }

        assertEquals(List.of(QmpPeer.error("CommandNotFound", "The command nosuch has not been found")), answers);
    }

    @Test
    void goesOnWithWhatIsLeftOfATextNestedTooDeep() throws IOException {
        List<String> deepest;
        List<String> tooDeep;
        try (QmpPeer peer = QmpPeer.negotiated(monitor.path)) {
            deepest = peer.answersTo("[".repeat(1024) + "]".repeat(1024));
            tooDeep = peer.answersTo("[".repeat(1025) + "]".repeat(1025));
        }

        List<String> expected = new ArrayList<>(List.of(QmpPeer.generic("JSON nesting depth limit exceeded")));
        expected.addAll(Collections.nCopies(1025, QmpPeer.generic(VALUE)));
        assertEquals(List.of(QmpPeer.generic(OBJECT)), deepest);
        assertEquals(expected, tooDeep);
    }

    @Test
    void saysNothingAboutAnIncompleteObjectUntilAControlCharacterEndsIt() throws IOException {
        List<String> answers;
        try (QmpPeer peer = QmpPeer.negotiated(monitor.path)) {
            peer.send("{\"execute\": [");
            answers = peer.answersTo("\u001e\n");
        }

        assertEquals(List.of(QmpPeer.generic("JSON parse error, stray '\u001e'")), answers);
    }

    @Test
    void survivesAnyBytes() throws IOException {
        long seed = System.nanoTime();
        byte[] noise = new byte[64 << 10];
        new java.util.Random(seed).nextBytes(noise);
        List<String> answers = new ArrayList<>();
        JsonFramer framer = new JsonFramer(new JsonFramer.Receiver() {
            @Override
            public void value(tools.jackson.databind.JsonNode value) {
                answers.add("value");
            }

            @Override
            public void fault(String desc) {
                answers.add(desc);
            }
        });

        framer.take(java.nio.ByteBuffer.wrap(noise));
        answers.clear();
        framer.take(java.nio.ByteBuffer.wrap("\u001e\u001e\n{}".getBytes(UTF_8)));

        assertEquals("value", answers.getLast(), "seed " + seed);
        assertTrue(answers.size() >= 2, "seed " + seed);
    }

    private static List<String> expected(Row row) {
        return row.descs().stream().map(QmpPeer::generic).toList();
    }

    private static String call(String command, String arguments) {
        return "{'execute':'" + command + "','arguments':" + arguments + "}";
    }

    private static Row parameter(String member, String desc) {
        return new Row(call("migrate-set-parameters", "{" + member + "}"), desc);
    }
}
