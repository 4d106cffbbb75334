package org.transhume.control.monitor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.transhume.control.process.IdleGuest;
import org.transhume.control.qmp.Json;
import org.transhume.control.qmp.QmpError;
import org.transhume.control.settings.Capability;
import org.transhume.control.settings.Profile;
import tools.jackson.databind.JsonNode;

/** The monitor for people; its texts were taken from a QEMU 10.0.2 (see HumanMonitorIT). */
@Timeout(60)
class HumanMonitorTest {
    private final IdleGuest now = new IdleGuest(Profile.V10_0);
    private final IdleGuest then = new IdleGuest(Profile.V3_1);

    @AfterEach
    void end() throws Exception {
        now.close();
        then.close();
    }

    @Test
    void setsAndShowsWhatQmpSetsAndShows() throws Exception {
        assertEquals("", say("migrate_set_capability events on"));
        assertEquals("", say("migrate_set_parameter max-bandwidth 10"));
        assertEquals("", say("migrate_set_parameter downtime-limit 1k"));

        JsonNode parameters = now.dispatcher().execute("query-migrate-parameters", null);

        assertEquals(10 << 20, parameters.get("max-bandwidth").intValue());
        assertEquals(1024, parameters.get("downtime-limit").intValue());
        assertTrue(say("info migrate_capabilities").contains("\r\nevents: on\r\n"));
        assertTrue(say("info migrate_parameters").contains("\r\nmax-bandwidth: 10485760 bytes/second\r\n"));
    }

    @Test
    void refusesInTheWordsOfTheCommandBehind() throws Exception {
        assertEquals(
                "Error: Capability 'switchover-ack' requires capability 'return-path'\r\n",
                say("migrate_set_capability switchover-ack on"));
        assertEquals(
                "Error: Parameter 'multifd_channels' expects a value between 1 and 255\r\n",
                say("migrate_set_parameter multifd-channels 0"));
        assertEquals(
                "Error: '-incoming' was not specified on the command line\r\n", say("migrate_incoming unix:/nowhere"));
    }

    @Test
    void drivesTheRunState() throws Exception {
        assertEquals("VM status: paused (prelaunch)\r\n", say("info status"));
        assertEquals("", say("c"));
        assertEquals("VM status: running\r\n", say("info status"));
        assertEquals("", say("stop"));
        assertEquals("VM status: paused\r\n", say("info status"));
    }

    @Test
    void beginsAMigrationAndShowsWhatBecameOfIt() throws Exception {
        String began = say("migrate unix:/nowhere/at/all");
        String refusal = say("migrate -d foo:bar");

        assertEquals("terminal does not allow synchronous migration, continuing detached\r\n", began);
        assertTrue(refusal.startsWith("Error: "), refusal);
        while (say("info migrate").contains("status: setup")) {
            Thread.onSpinWait();
        }
        String shown = say("info migrate");
        assertTrue(shown.contains("\r\nMigration status: failed (Failed to connect to '/nowhere/at/all': "), shown);
        assertTrue(shown.endsWith("total time: 0 ms\r\n"), shown);
    }

    @Test
    void printsEveryFigureOfAMigrationThatHasIt() {
        String info =
                "{\"status\": \"active\", \"total-time\": 7001, \"expected-downtime\": 977, \"setup-time\": 1, \"ram\": {"
                        + "\"transferred\": 447800000, \"remaining\": 16121856, \"total\": 134750208, \"duplicate\": 16654,"
                        + "\"normal\": 109076, \"normal-bytes\": 446775296, \"dirty-sync-count\": 7, \"mbps\": 540.9189,"
                        + "\"page-size\": 4096, \"multifd-bytes\": 0, \"pages-per-second\": 16475, \"dirty-pages-rate\": 15411,"
                        + "\"postcopy-requests\": 0, \"precopy-bytes\": 447798272, \"downtime-bytes\": 504832},"
                        + "\"xbzrle-cache\": {\"cache-size\": 67108864, \"bytes\": 4096, \"pages\": 3, \"cache-miss\": 2,"
                        + "\"cache-miss-rate\": 0.125, \"encoding-rate\": 1.5, \"overflow\": 1},"
                        + "\"cpu-throttle-percentage\": 30,"
                        + "\"postcopy-blocktime\": 12, \"postcopy-vcpu-blocktime\": [15, 20],"
                        + "\"socket-address\": [{\"type\": \"inet\", \"host\": \"127.0.0.1\", \"port\": \"4444\"}]}";

        String text = MigrationText.of(Json.parse(info.getBytes(StandardCharsets.UTF_8)), Profile.V10_0);

        assertEquals("""
                Migration status: active
                total time: 7001 ms
                expected downtime: 977 ms
                setup: 1 ms
                transferred ram: 437304 kbytes
                throughput: 540.92 mbps
                remaining ram: 15744 kbytes
                total ram: 131592 kbytes
                duplicate: 16654 pages
                normal: 109076 pages
                normal bytes: 436304 kbytes
                dirty sync count: 7
                page size: 4 kbytes
                multifd bytes: 0 kbytes
                pages-per-second: 16475
                dirty pages rate: 15411 pages
                precopy ram: 437303 kbytes
                downtime ram: 493 kbytes
                cache size: 67108864 bytes
                xbzrle transferred: 4 kbytes
                xbzrle pages: 3 pages
                xbzrle cache miss: 2 pages
                xbzrle cache miss rate: 0.13
                xbzrle encoding rate: 1.50
                xbzrle overflow: 1
                cpu throttle percentage: 30
                postcopy blocktime: 12
                postcopy vcpu blocktime: 15,20
                socket address: [
                \ttcp:127.0.0.1:4444
                ]
                """, text.substring(text.indexOf("Migration status")));
    }

    @ParameterizedTest
    @CsvSource({
        "migrate -d, migrate: string expected",
        "migrate -x a, migrate: unsupported option -x",
        "migrate a b, migrate: extraneous characters at the end of line",
        "migrate_set_capability events maybe, Expected 'on' or 'off'",
        "s now, stop|s: extraneous characters at the end of line"
    })
    void saysWhatIsWrongWithALineAndWhereHelpIs(String line, String complaint) throws Exception {
        String command = line.split(" ", 2)[0];

        assertEquals(
                complaint.replace("''", "'") + "\r\nTry \"help " + command + "\" for more information\r\n", say(line));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "   ", "\t"})
    void hasNothingToSayToNothing(String line) throws Exception {
        assertEquals("", say(line));
    }

    @ParameterizedTest
    @EnumSource
    void everyCommandHasHelpAndEveryCapabilityOfTheProfileIsShown(Profile profile) throws Exception {
        IdleGuest guest = profile == Profile.V3_1 ? then : now;

        for (String entry : (say(guest, "help") + say(guest, "info")).split("\r\n(?!\t)", 0)) {
            assertTrue(entry.matches("(?s)\\S+ .*-- \\S.*"), entry);
            String[] words = entry.split("[ |]", 3);
            boolean listed = words[0].equals("info") && !words[1].startsWith("[");
            String help = say(guest, "help " + words[0] + (listed ? " " + words[1] : ""));
            assertTrue(help.startsWith(entry) || entry.startsWith("info ["), help);
        }
        for (Capability capability : Capability.of(profile)) {
            String line = "(?s)(.*\r\n)?" + capability + ": (on|off)\r\n.*";
            assertTrue(say(guest, "info migrate_capabilities").matches(line), capability.wireName());
        }
    }

    @Test
    void hasTheSettersOfItsProfileOnly() throws Exception {
        assertEquals("unknown command: 'migrate_set_speed'\r\n", say("migrate_set_speed 1"));
        assertEquals("", say(then, "migrate_set_speed 1"));
        assertEquals("", say(then, "migrate_set_downtime 0.25"));
        assertTrue(say(then, "migrate_set_downtime soon").startsWith("Error: "));

        String parameters = say(then, "info migrate_parameters");

        assertTrue(parameters.contains("max-bandwidth: 1048576 bytes/second\r\n"), parameters);
        assertTrue(parameters.contains("downtime-limit: 250 ms\r\n"), parameters);
        assertTrue(say("help migrate").startsWith("migrate [-d] [-r] uri"));
        assertTrue(say(then, "help migrate").startsWith("migrate [-d] [-b] [-i] [-r] uri"));
    }

    @Test
    void measuresAndLimitsWhatTheGuestWrites() throws Exception {
        assertTrue(say("calc_dirty_rate -r 1").startsWith("Starting dirty rate measurement with period 1 seconds"));
        String shown = say("info dirty_rate");
        for (; !shown.startsWith("Status: measured"); shown = say("info dirty_rate")) {
            Thread.onSpinWait();
        }
        assertTrue(
                shown.contains("Mode: dirty-ring\r\nDirty rate: 0 (MB/s)\r\nvcpu[0], Dirty rate: 0 (MB/s)\r\n"), shown);
        assertEquals("Dirty page limit not enabled!\r\n", say("info vcpu_dirty_limit"));
        assertTrue(say("set_vcpu_dirty_limit 5").startsWith("[Please use 'info vcpu_dirty_limit'"));
        String limits = say("info vcpu_dirty_limit");
        assertTrue(limits.startsWith("vcpu[0], limit rate 5 (MB/s), current rate "), limits);
        assertEquals("Error: incorrect cpu index specified\r\n", say("cancel_vcpu_dirty_limit 9999"));
    }

    @Test
    void hasNoVcpusToChooseFrom() {
        assertThrows(
                QmpError.class,
                () -> now.dispatcher()
                        .execute(
                                "human-monitor-command",
                                Json.object().put("command-line", "info status").put("cpu-index", 7)));
    }

    private String say(String line) throws QmpError {
        return say(now, line);
    }

    private static String say(IdleGuest guest, String line) throws QmpError {
        return guest.dispatcher()
                .execute("human-monitor-command", Json.object().put("command-line", line))
                .asString();
    }
}
