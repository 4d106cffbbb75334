package org.transhume.control.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.transhume.control.devices.DeviceLayer;
import org.transhume.control.settings.Profile;
import tools.jackson.databind.JsonNode;

/** What commands beside {@code migrate} answer, with a migration and without; texts as a QEMU of the profile has them. */
@Timeout(60)
class MigrationCommandTextsTest {
    private static final long RAM = 8 << 20;
    private static final String MIGRATION = "{'instances': [{'type': 'migration'}]}";

    @TempDir
    Path folder;

    private DrivenGuest bare(Profile profile) throws Exception {
        return DrivenGuest.with(folder.resolve("qmp"), profile, DeviceLayer.NONE);
    }

    @Test
    void whereNoMigrationRuns() throws Exception {
        try (DrivenGuest guest = bare(Profile.V10_0)) {
            guest.assertAnswers(
                    "migrate-start-postcopy | {} | GenericError: Enable postcopy with migrate_set_capability before"
                            + " the start of migration",
                    "migrate-pause | {} | GenericError: migrate-pause is currently only supported during"
                            + " postcopy-active or postcopy-recover state",
                    "migrate-recover | {} | GenericError: Parameter 'uri' is missing",
                    "migrate-recover | {'uri': 'x'}"
                            + "| GenericError: Migrate recover can only be run when postcopy is paused.",
                    "query-migrationthreads | {} | []",
                    "query-yank | {} | []",
                    "yank | {} | GenericError: Parameter 'instances' is missing",
                    "yank | {'instances': []} | {}",
                    "yank | {'instances': [{}]} | GenericError: Parameter 'instances[0].type' is missing",
                    "yank | {'instances': [{'type': 'foo'}]}"
                            + "| GenericError: Parameter 'type' does not accept value 'foo'",
                    "yank | {'instances': [{'type': 'chardev'}]}"
                            + "| GenericError: Parameter 'instances[0].id' is missing",
                    "yank | {'instances': [{'type': 'migration', 'id': 'x'}]}"
                            + "| GenericError: Parameter 'instances[0].id' is unexpected",
                    "yank | {'instances': [{'type': 'block-node', 'node-name': 'x'}]}"
                            + "| DeviceNotFound: Instance not found",
                    "yank | " + MIGRATION + "| DeviceNotFound: Instance not found",
                    "migrate_set_speed | {'value': 1}"
                            + "| CommandNotFound: The command migrate_set_speed has not been found",
                    "migrate | {'uri': 'x:1', 'blk': true} | GenericError: Parameter 'blk' is unexpected",
                    "migrate | {'uri': 'x:1', 'resume': true} | GenericError: unknown migration protocol: x:1",
                    "migrate | {'uri': 'tcp:h:1', 'resume': true}"
                            + "| GenericError: Cannot resume if there is no paused migration");
            for (String command : List.of("migrate-pause", "migrate-recover", "yank", "query-yank")) {
                assertFalse(guest.answerOutOfBand(command, "{}").contains("does not support OOB"), command);
            }
            guest.enable("multifd");
            guest.assertAnswers("migrate | {'uri': 'exec:cat', 'resume': true}"
                    + "| GenericError: Migration requires multi-channel URIs (e.g. tcp)");
            assertEquals("{}", guest.info().toString());
        }
    }

    @Test
    void theOldProfileHasItsOwn() throws Exception {
        try (DrivenGuest guest = bare(Profile.V3_1)) {
            guest.assertAnswers(
                    "migrate-pause | {}"
                            + "| GenericError: migrate-pause is currently only supported during postcopy-active state",
                    "migrate-recover | {'uri': 'x'}"
                            + "| GenericError: Migrate recover can only be run when postcopy is paused.",
                    "query-migrationthreads | {}"
                            + "| CommandNotFound: The command query-migrationthreads has not been found",
                    "announce-self | {} | CommandNotFound: The command announce-self has not been found",
                    "yank | {} | CommandNotFound: The command yank has not been found",
                    "migrate | {} | GenericError: Parameter 'uri' is missing",
                    "migrate | {'uri': 'x:1'} | GenericError: Parameter 'uri' expects a valid migration protocol",
                    "migrate | {'uri': 'tcp:x'} | GenericError: error parsing address 'x'",
                    "migrate | {'uri': 'x:1', 'blk': true} | GenericError: QEMU compiled without old-style"
                            + " (blk/-b, inc/-i) block migration",
                    "migrate | {'uri': 'x:1', 'inc': true, 'resume': true}"
                            + "| GenericError: Cannot resume if there is no paused migration",
                    "migrate-set-capabilities | {'capabilities': [{'capability': 'block', 'state': true}]}"
                            + "| GenericError: QEMU compiled without old-style (blk/-b, inc/-i) block migration",
                    "migrate-set-parameters | {'block-incremental': true} | {}",
                    "migrate | {'uri': 'x:1', 'inc': true} | GenericError: Command options are incompatible with"
                            + " current migration capabilities");
        }
    }

    @Test
    void theSettersOfOldSetParameters() throws Exception {
        try (DrivenGuest guest = bare(Profile.V3_1)) {
            guest.assertAnswers(
                    "migrate_set_speed | {'value': 1.5}"
                            + "| GenericError: Invalid parameter type for 'value', expected: integer",
                    "migrate_set_speed | {'value': 4096} | {}",
                    "migrate_set_downtime | {'value': 'x'}"
                            + "| GenericError: Invalid parameter type for 'value', expected: number",
                    "migrate_set_downtime | {'value': 2000.001} | GenericError: Parameter 'downtime_limit' expects an"
                            + " integer in the range of 0 to 2000 seconds",
                    "migrate_set_downtime | {'value': -0.001} | GenericError: Parameter 'downtime_limit' expects an"
                            + " integer in the range of 0 to 2000 seconds",
                    "migrate_set_downtime | {'value': 1.2349} | {}");
            JsonNode set = guest.execute("query-migrate-parameters", "{}");
            assertEquals(4096, set.get("max-bandwidth").asInt());
            assertEquals(1234, set.get("downtime-limit").asInt());

            guest.assertAnswers(
                    "migrate_set_speed | {'value': -1} | {}", "migrate_set_downtime | {'value': 2000} | {}");

            set = guest.execute("query-migrate-parameters", "{}");
            assertEquals(0, set.get("max-bandwidth").asInt());
            assertEquals(2_000_000, set.get("downtime-limit").asInt());
        }
    }

    @Test
    void theDelayOfMicroCheckpointsIsSetInEveryProfile() throws Exception {
        for (Profile profile : Profile.values()) {
            try (DrivenGuest guest = bare(profile)) {
                assertEquals(
                        100,
                        guest.process.control().settings().checkpointDelay().toMillis());
                guest.assertAnswers(
                        "migrate-set-mc-delay | {} | GenericError: Parameter 'value' is missing",
                        "migrate-set-mc-delay | {'value': -1}"
                                + "| GenericError: Parameter 'value' expects a value between 0 and 4294967295",
                        "migrate-set-mc-delay | {'value': 4294967296}"
                                + "| GenericError: Parameter 'value' expects a value between 0 and 4294967295",
                        "migrate-set-mc-delay | {'value': 4294967295} | {}");
                assertEquals(
                        4_294_967_295L,
                        guest.process.control().settings().checkpointDelay().toMillis());
                guest.assertAnswers(
                        "migrate-set-capabilities | {'capabilities': [{'capability': 'mc-net-disable', 'state': true}]}"
                                + "| GenericError: Capability 'mc-net-disable' requires capability 'mc'",
                        "migrate-set-capabilities | {'capabilities': [{'capability': 'mc', 'state': true}]}"
                                + "| GenericError: Capability 'mc' is not built into this version of Transhume",
                        "migrate-set-capabilities | {'capabilities': [{'capability': 'rdma-keepalive', 'state': false}]}|{}");
            }
            Files.deleteIfExists(folder.resolve("qmp"));
        }
    }

    @Test
    void aYankedMigrationFailsAndTheGuestStays() throws Exception {
        try (ServerSocketChannel peer = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
                DrivenGuest source = DrivenGuest.writing(folder.resolve("src"), RAM, 1000)) {
            UnixDomainSocketAddress address = UnixDomainSocketAddress.of(folder.resolve("peer"));
            peer.bind(address);
            source.enable("events");
            source.set("{'max-bandwidth': 1}");
            source.migrate("unix:" + address.getPath());
            try (SocketChannel _ = peer.accept()) {
                source.awaitStatus("active");
                assertEquals("[{'type':'migration'}]", source.answerOutOfBand("query-yank", "{}"));
                assertEquals(
                        "DeviceNotFound: Instance not found",
                        source.answerOutOfBand(
                                "yank", "{'instances': [{'type': 'migration'}, {'type': 'chardev', 'id': 'x'}]}"));
                assertEquals("active", source.status());

                assertEquals("{}", source.answerOutOfBand("yank", MIGRATION));

                source.awaitTold("setup P:1 active (P:\\d+ )*failed ");
                assertEquals(
                        "Unable to write to socket: Broken pipe",
                        source.info().get("error-desc").asString());
                assertEquals("running", source.runState());
                DrivenGuest.await(
                        "end of the migration",
                        () -> source.answer("query-yank", "{}").equals("[]"));
                assertEquals("[]", source.answer("query-migrationthreads", "{}"));
            }
        }
    }

    @Test
    void aYankAtTheDestinationEndsWhatArrivesThere() throws Exception {
        try (DrivenGuest destination = DrivenGuest.arriving(folder.resolve("dst"), Profile.V10_0, null, RAM)) {
            Path socket = folder.resolve("in");
            destination.execute("migrate-incoming", "{'uri': 'unix:%s', 'exit-on-error': false}".formatted(socket));
            assertEquals("[{'type':'migration'}]", destination.answer("query-yank", "{}"));
            assertEquals("{}", destination.answer("yank", MIGRATION));
            assertEquals("setup", destination.status());
            try (DrivenGuest source = DrivenGuest.writing(folder.resolve("src"), RAM, 1000)) {
                source.set("{'max-bandwidth': 4096}");
                source.migrate("unix:" + socket);
                destination.awaitStatus("active");

                assertEquals("{}", destination.answerOutOfBand("yank", MIGRATION));

                destination.awaitStatus("failed");
                source.awaitStatus("failed");
                assertEquals("running", source.runState());
                assertEquals("inmigrate", destination.runState());
                DrivenGuest.await(
                        "end", () -> destination.answer("query-yank", "{}").equals("[]"));
            }
        }
    }

    @Test
    void theThreadsOfAMigrationAreThoseThatLinuxKnows() throws Exception {
        try (DrivenGuest source = DrivenGuest.writing(folder.resolve("src"), RAM, 1000);
                DrivenGuest destination = DrivenGuest.arriving(folder.resolve("dst"), Profile.V10_0, null, RAM)) {
            for (DrivenGuest side : List.of(source, destination)) {
                side.enable("multifd", "return-path");
            }
            source.set("{'max-bandwidth': 4096}");
            source.migrate(destination.listen(folder.resolve("in")));
            source.awaitStatus("active");

            JsonNode threads = source.execute("query-migrationthreads", "{}");

            Set<String> names = new TreeSet<>();
            for (JsonNode thread : threads) {
                String name = thread.get("name").asString();
                names.add(name);
                Path comm = Path.of("/proc/self/task", thread.get("thread-id").asString(), "comm");
                assertEquals(shortened(name), Files.readString(comm).strip());
            }
            assertEquals(Set.of("migration", "migration answers", "migration lane 0", "migration lane 1"), names);
            assertEquals("[]", destination.answer("query-migrationthreads", "{}"));
            source.execute("migrate_cancel", "{}");
            source.awaitEnd();
            DrivenGuest.await(
                    "end of its threads",
                    () -> source.answer("query-migrationthreads", "{}").equals("[]"));
        }
    }

    /** Linux keeps 15 bytes of a thread's name. */
    private static String shortened(String name) {
        return name.substring(0, Math.min(15, name.length())).strip();
    }

    @Test
    void noCommandIsMissingOrTooMany() throws Exception {
        for (Profile profile : Profile.values()) {
            try (DrivenGuest guest = bare(profile)) {
                Set<String> names = guest.execute("query-commands", "{}")
                        .valueStream()
                        .map(command -> command.get("name").asString())
                        .collect(Collectors.toCollection(TreeSet::new));
                Set<String> union = new TreeSet<>(UNION);
                union.addAll(profile == Profile.V3_1 ? ONLY_3_1 : SINCE_3_1);

                union.removeAll(names);
                assertEquals(Set.of(), union, () -> "missing in " + profile);
                names.retainAll(profile == Profile.V3_1 ? SINCE_3_1 : ONLY_3_1);
                assertEquals(Set.of(), names, () -> "too many in " + profile);
            }
            Files.deleteIfExists(folder.resolve("qmp"));
        }
        assertTrue(UNION.size() > 25);
    }

    /** Spec: control.md §2.1, and what belongs to it. */
    private static final Set<String> UNION = Set.of(
            "query-migrate",
            "migrate",
            "migrate_cancel",
            "migrate-incoming",
            "migrate-continue",
            "migrate-start-postcopy",
            "migrate-pause",
            "migrate-recover",
            "migrate-set-capabilities",
            "query-migrate-capabilities",
            "migrate-set-parameters",
            "query-migrate-parameters",
            "x-colo-lost-heartbeat",
            "query-colo-status",
            "xen-save-devices-state",
            "xen-load-devices-state",
            "xen-set-global-dirty-log",
            "xen-set-replication",
            "query-xen-replication-status",
            "xen-colo-do-checkpoint",
            "client_migrate_info",
            "migrate-set-mc-delay",
            "query-jobs",
            "job-dismiss",
            "query-status",
            "stop",
            "cont",
            "quit");

    private static final Set<String> ONLY_3_1 =
            Set.of("migrate_set_speed", "migrate_set_downtime", "migrate-set-cache-size", "query-migrate-cache-size");

    private static final Set<String> SINCE_3_1 = Set.of(
            "query-migrationthreads",
            "calc-dirty-rate",
            "query-dirty-rate",
            "set-vcpu-dirty-limit",
            "cancel-vcpu-dirty-limit",
            "query-vcpu-dirty-limit",
            "snapshot-save",
            "snapshot-load",
            "snapshot-delete",
            "display-reload",
            "announce-self",
            "yank",
            "query-yank");
}
