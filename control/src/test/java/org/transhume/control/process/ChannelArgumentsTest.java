package org.transhume.control.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.transhume.control.qmp.Json;
import org.transhume.control.qmp.QmpError;
import org.transhume.control.settings.Profile;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The two ways in which {@code migrate} and {@code migrate-incoming} take an address (spec: control.md §2.2). */
@Timeout(60)
class ChannelArgumentsTest {
    private static final long RAM = 4 << 20;
    private static final String EITHER = "need either 'uri' or 'channels' argument";
    private static final String MAIN = "{'channel-type': 'main', 'addr': {'transport': 'socket', %s}}";

    @TempDir
    Path folder;

    /** {@code /migration/validate_uri/channels/both_set}. */
    @Test
    void validateUriChannelsBothSet() throws Exception {
        assertEquals(EITHER, refusal("migrate", "{'uri': 'tcp:127.0.0.1:0', 'channels': [%s]}".formatted(unix("out"))));
        assertEquals(
                EITHER,
                refusal("migrate-incoming", "{'uri': 'tcp:127.0.0.1:0', 'channels': [%s]}".formatted(unix("in"))));
    }

    /** {@code /migration/validate_uri/channels/none_set}; an empty list counts as none. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {"migrate|{}", "migrate|{'channels': []}", "migrate-incoming|{}"})
    void validateUriChannelsNoneSet(String command, String arguments) throws Exception {
        assertEquals(EITHER, refusal(command, arguments));
    }

    @Test
    void aListWithoutAMainEntryIsRefusedAndHarmsNothing() throws Exception {
        String cpr = unix("out").replace("'main'", "'cpr'");

        assertEquals("Channel list has no main entry", refusal("migrate", "{'channels': [%s]}".formatted(cpr)));
    }

    @Test
    void aListWithTwoMainEntriesIsRefused() throws Exception {
        String twice = "{'channels': [%s, %s]}".formatted(unix("out"), unix("out"));

        assertEquals("Channel list has more than one main entry", refusal("migrate", twice));
        assertEquals("Channel list must have only one entry, for type 'main'", refusal("migrate-incoming", twice));
    }

    @Test
    void whetherThisProcessTakesAGuestComesBeforeWhereFrom() throws Exception {
        try (DrivenGuest source = leaving();
                DrivenGuest destination = arriving()) {
            destination.listen(folder.resolve("in"));

            QmpError never = assertThrows(QmpError.class, () -> source.execute("migrate-incoming", "{}"));
            QmpError again = assertThrows(QmpError.class, () -> destination.execute("migrate-incoming", "{}"));

            assertEquals("'-incoming' was not specified on the command line", never.getMessage());
            assertEquals("The incoming migration has already been started", again.getMessage());
        }
    }

    /** {@code /migration/multifd/tcp/channels/plain/none} and, with a URI, {@code /migration/multifd/tcp/uri/plain/none}. */
    @ParameterizedTest
    @CsvSource({"true", "false"})
    void multifdTcpPlainNone(boolean channels) throws Exception {
        try (DrivenGuest source = leaving();
                DrivenGuest destination = arriving()) {
            for (DrivenGuest guest : new DrivenGuest[] {source, destination}) {
                guest.enable("multifd");
                guest.set("{'multifd-channels': 16, 'multifd-compression': 'none'}");
            }
            destination.execute(
                    "migrate-incoming",
                    channels
                            ? "{'channels': [%s]}"
                                    .formatted(MAIN.formatted("'type': 'inet', 'host': '127.0.0.1', 'port': '0'"))
                            : "{'uri': 'tcp:127.0.0.1:0'}");
            JsonNode address = destination.info().path("socket-address").path(0);
            String port = address.path("port").asString();
            source.cont();

            source.execute(
                    "migrate",
                    channels
                            ? "{'channels': [%s]}"
                                    .formatted(MAIN.formatted(
                                            "'type': 'inet', 'host': '127.0.0.1', 'port': '%s'".formatted(port)))
                            : "{'uri': 'tcp:127.0.0.1:%s'}".formatted(port));

            assertEquals("completed", source.awaitEnd(), () -> port);
            assertEquals("completed", destination.awaitEnd());
            assertTrue(source.info().path("ram").path("multifd-bytes").asLong() > RAM / 2);
            assertTrue(destination.guest.running());
        }
    }

    @Test
    void aUnixSocketCanBeGivenAsAChannelToo() throws Exception {
        try (DrivenGuest source = leaving();
                DrivenGuest destination = arriving()) {
            destination.execute("migrate-incoming", "{'channels': [%s]}".formatted(unix("in")));

            source.execute("migrate", "{'channels': [%s]}".formatted(unix("in")));

            assertEquals("completed", source.awaitEnd());
            assertEquals("completed", destination.awaitEnd());
        }
    }

    /** Each word reaches the program as it is, whatever a shell would make of it. */
    @Test
    void aCommandCanBeGivenWordByWord() throws Exception {
        Path file = folder.resolve("it's $HOME; \"*\"");
        try (DrivenGuest source = leaving()) {
            source.qmp.execute("migrate", exec("dd", "status=none", "of=" + file));

            assertEquals("completed", source.awaitEnd());
        }
        assertTrue(Files.size(file) > RAM / 2);
    }

    @Test
    void aCommandNeedsAProgram() throws Exception {
        try (DrivenGuest source = leaving()) {
            QmpError refused = assertThrows(QmpError.class, () -> source.qmp.execute("migrate", exec()));

            assertEquals("Parameter 'args' needs a program to run", refused.getMessage());
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {"'to': 5", "'ipv4': true", "'ipv6': false", "'keep-alive': true"})
    void whatNoUseIsMadeOfIsRefusedAndNotPassedOver(String option) throws Exception {
        String inet = MAIN.formatted("'type': 'inet', 'host': '127.0.0.1', 'port': '1', " + option);

        String refused = refusal("migrate", "{'channels': [%s]}".formatted(inet));

        assertTrue(refused.endsWith(
                " of an inet address is not built into this version of Transhume: give host and port only"));
    }

    private static ObjectNode exec(String... words) {
        ObjectNode arguments = Json.object();
        ObjectNode channel = arguments.putArray("channels").addObject().put("channel-type", "main");
        ArrayNode args = channel.putObject("addr").put("transport", "exec").putArray("args");
        List.of(words).forEach(args::add);
        return arguments;
    }

    private String unix(String name) {
        return MAIN.formatted("'type': 'unix', 'path': '%s'".formatted(folder.resolve(name)));
    }

    /** What a guest says that could do it, and which state is left. */
    private String refusal(String command, String arguments) throws Exception {
        try (DrivenGuest guest = command.equals("migrate") ? leaving() : arriving()) {
            QmpError refused = assertThrows(QmpError.class, () -> guest.execute(command, arguments));
            assertEquals("", guest.status());
            return refused.getMessage();
        }
    }

    private DrivenGuest leaving() throws Exception {
        return DrivenGuest.leaving(folder.resolve("src"), Profile.V10_0, null, RAM);
    }

    private DrivenGuest arriving() throws Exception {
        return DrivenGuest.arriving(folder.resolve("dst"), Profile.V10_0, null, RAM);
    }
}
