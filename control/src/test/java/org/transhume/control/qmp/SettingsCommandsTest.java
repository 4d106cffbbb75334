package org.transhume.control.qmp;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.transhume.control.settings.Capability;
import org.transhume.control.settings.Circumstances;
import org.transhume.control.settings.HostSupport;
import org.transhume.control.settings.Parameter;
import org.transhume.control.settings.Profile;
import org.transhume.control.settings.Settings;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

class SettingsCommandsTest {
    private final Settings settings = new Settings(Profile.V10_0);
    private Circumstances circumstances = Circumstances.IDLE;
    private final QmpDispatcher dispatcher = dispatcher(settings);

    private QmpDispatcher dispatcher(Settings of) {
        QmpDispatcher made = new QmpDispatcher(of.profile(), "0.1.0");
        made.register(
                SettingsCommands.of(of, changes -> of.setCapabilities(changes, circumstances), of::setParameters));
        return made;
    }

    @Test
    void setsCapabilitiesTheLastOfTwoWinning() throws Exception {
        run(
                "migrate-set-capabilities",
                "{'capabilities':[{'capability':'events','state':false},{'capability':"
                        + "'return-path','state':true},{'capability':'events','state':true}]}");

        JsonNode list = run("query-migrate-capabilities", "{}");
        assertTrue(settings.enabled(Capability.EVENTS));
        assertTrue(settings.enabled(Capability.RETURN_PATH));
        assertEquals(34, list.size());
        assertEquals("{\"state\": false, \"capability\": \"xbzrle\"}", Json.text(list.get(0)));
        assertEquals("{\"state\": true, \"capability\": \"events\"}", Json.text(list.get(4)));
        assertEquals("x-hole-runs", list.get(22).get("capability").stringValue());
    }

    @Test
    void acceptsAnEmptyChange() throws Exception {
        assertEquals("{}", Json.text(run("migrate-set-capabilities", "{'capabilities':[]}")));
        assertEquals("{}", Json.text(run("migrate-set-parameters", "{}")));
    }

    @Test
    void passesOnWhyACapabilityIsRefused() {
        circumstances = new Circumstances(true, false, false, HostSupport.USUAL);

        assertEquals(
                "There's a migration process in progress",
                refusal(dispatcher, "migrate-set-capabilities", "{'capabilities':[]}"));
    }

    @Test
    void givesAllParametersButNoMappingUntilSet() throws Exception {
        boolean before = run("query-migrate-parameters", "{}").has("block-bitmap-mapping");
        String mapping = "[{\"node-name\": \"n\", \"alias\": \"a\", \"bitmaps\": [{\"name\": \"b\", \"alias\": \"c\","
                + " \"transform\": {\"persistent\": true}}, {\"name\": \"d\", \"alias\": \"e\", \"transform\": {}},"
                + " {\"name\": \"f\", \"alias\": \"g\"}]}]";
        run("migrate-set-parameters", "{'block-bitmap-mapping':" + mapping + "}");

        JsonNode all = run("query-migrate-parameters", "{}");
        assertFalse(before);
        assertEquals(mapping, Json.text(all.get("block-bitmap-mapping")));
        assertEquals(29, all.size());
        assertEquals(134_217_728, all.get("max-bandwidth").longValue());
        assertEquals("", all.get("tls-creds").stringValue());
        assertFalse(all.get("direct-io").booleanValue());
    }

    @Test
    void wrapsANegativeNumberOf64Bits() throws Exception {
        run("migrate-set-parameters", "{'max-bandwidth':-1,'tls-creds':null,'zero-page-detection':'none'}");

        JsonNode all = run("query-migrate-parameters", "{}");
        assertEquals("18446744073709551615", all.get("max-bandwidth").toString());
        assertEquals("none", settings.text(Parameter.ZERO_PAGE_DETECTION));
    }

    @Test
    void takesTheNamesAndTypesOfTheOldReleaseInItsProfile() throws Exception {
        Settings old = new Settings(Profile.V3_1);
        QmpDispatcher then = dispatcher(old);
        then.execute("migrate-set-parameters", arguments("{'x-multifd-channels':4,'compress-level':9}"));

        assertEquals(4, old.count(Parameter.X_MULTIFD_CHANNELS));
        assertEquals(28, then.execute("query-migrate-capabilities", null).size());
        assertEquals(17, then.execute("query-migrate-parameters", null).size());
        assertEquals(
                "Parameter 'multifd-channels' is unexpected",
                refusal(then, "migrate-set-parameters", "{'multifd-channels':4}"));
        assertEquals(
                "Parameter 'compress_level' expects a value between 0 and 9",
                refusal(then, "migrate-set-parameters", "{'compress-level':256}"));
        assertEquals(
                "Invalid parameter type for 'max-bandwidth', expected: integer",
                refusal(then, "migrate-set-parameters", "{'max-bandwidth':1.5}"));
    }

    @Test
    void hasTheOldCommandsForTheCacheInTheOldProfileOnly() throws Exception {
        Settings old = new Settings(Profile.V3_1);
        QmpDispatcher then = dispatcher(old);
        JsonNode before = then.execute("query-migrate-cache-size", null);

        then.execute("migrate-set-cache-size", arguments("{'value':3000000}"));

        assertEquals("67108864", before.toString());
        assertEquals("2097152", then.execute("query-migrate-cache-size", null).toString());
        assertEquals(2 << 20, old.size(Parameter.XBZRLE_CACHE_SIZE));
        for (String value : List.of("4095", "0", "-1")) {
            assertEquals(
                    "Parameter 'xbzrle_cache_size' expects a power of two no less than the target page size",
                    refusal(then, "migrate-set-cache-size", "{'value':" + value + "}"));
        }
        assertEquals(2 << 20, old.size(Parameter.XBZRLE_CACHE_SIZE));
        for (String name : List.of("migrate-set-cache-size", "query-migrate-cache-size")) {
            assertEquals(
                    "The command " + name + " has not been found",
                    assertThrows(QmpError.class, () -> dispatcher.execute(name, null))
                            .getMessage());
        }
    }

    @Test
    void refusesWhatIsNotBuilt() {
        assertEquals(
                List.of(
                        "Parameter 'multifd-compression': qpl needs Intel's QPL library and an In-Memory Analytics"
                                + " Accelerator, which this build has no support for; use none, zlib or zstd",
                        "Parameter 'multifd-compression' does not accept value 'lz4'",
                        "No build-time support for direct-io",
                        "Parameter 'mode' does not accept value 'cpr-reboot'",
                        "Capability 'dirty-bitmaps' is not built into this version of Transhume"),
                List.of(
                        refusal(dispatcher, "migrate-set-parameters", "{'multifd-compression':'qpl'}"),
                        refusal(dispatcher, "migrate-set-parameters", "{'multifd-compression':'lz4'}"),
                        refusal(dispatcher, "migrate-set-parameters", "{'direct-io':true}"),
                        refusal(dispatcher, "migrate-set-parameters", "{'mode':'cpr-reboot'}"),
                        refusal(
                                dispatcher,
                                "migrate-set-capabilities",
                                "{'capabilities':[{'capability':'dirty-bitmaps','state':true}]}")));
    }

    private JsonNode run(String command, String arguments) throws QmpError {
        return dispatcher.execute(command, arguments(arguments));
    }

    private static String refusal(QmpDispatcher dispatcher, String command, String arguments) {
        return assertThrows(QmpError.class, () -> dispatcher.execute(command, arguments(arguments)))
                .getMessage();
    }

    private static ObjectNode arguments(String text) {
        return (ObjectNode) Json.parse(text.getBytes(UTF_8));
    }
}
