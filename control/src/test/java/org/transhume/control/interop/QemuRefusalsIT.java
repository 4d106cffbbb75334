package org.transhume.control.interop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.transhume.control.process.IdleGuest;
import org.transhume.control.qmp.Json;
import org.transhume.control.qmp.QmpError;
import org.transhume.control.settings.Profile;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Commands that have little to do where no migration runs and no devices are: a QEMU and we are asked the same, and answer
 * alike, word for word.
 */
@Timeout(60)
class QemuRefusalsIT {
    private static final JsonMapper JSON = new JsonMapper();
    private static final String SNAPSHOT = "{'job-id': '%s', 'tag': 't', 'vmstate': 'v', 'devices': %s}";

    @TempDir
    Path folder;

    private interface Asked {
        JsonNode execute(String command, String arguments) throws Exception;
    }

    private static List<String> questions(Path folder) {
        return List.of(
                "migrate-start-postcopy {}",
                "migrate-pause {}",
                "migrate-pause {'x': 1}",
                "migrate-recover {}",
                "migrate-recover {'uri': 1}",
                "migrate-recover {'uri': 'unix:/nosuch/x'}",
                "query-migrationthreads {}",
                "query-migrationthreads {'a': 1}",
                "announce-self {}",
                "announce-self {'initial': 50}",
                "announce-self {'initial': 50, 'max': 100}",
                "announce-self {'initial': 50, 'max': 100, 'rounds': 3}",
                "announce-self {'initial': 50, 'max': 100, 'rounds': 3, 'step': 1.5}",
                "announce-self {'initial': 'a', 'max': 100, 'rounds': 3, 'step': 1}",
                "announce-self {'initial': 1, 'max': 1, 'rounds': 2, 'step': 1, 'interfaces': ['a', 1]}",
                "announce-self {'initial': 1, 'max': 1, 'rounds': 2, 'step': 1, 'interfaces': 'a'}",
                "announce-self {'initial': 1, 'max': 1, 'rounds': 2, 'step': 1, 'id': 1}",
                "announce-self {'initial': 1, 'max': 1, 'rounds': 2, 'step': 1, 'interfaces': ['nosuch'], 'id': 'x'}",
                "announce-self {'initial': 0, 'max': 0, 'rounds': 0, 'step': 0}",
                "announce-self {'initial': 1, 'max': 9223372036854775808, 'rounds': 0, 'step': 0}",
                "yank {}",
                "yank {'instances': []}",
                "yank {'instances': 3}",
                "yank {'instances': [3]}",
                "yank {'instances': [{}]}",
                "yank {'instances': [{'type': 'migration'}]}",
                "yank {'instances': [{'type': 'migration', 'id': 'x'}]}",
                "yank {'instances': [{'type': 'chardev'}]}",
                "yank {'instances': [{'type': 'chardev', 'id': 'nosuch'}]}",
                "yank {'instances': [{'type': 'block-node'}]}",
                "yank {'instances': [{'type': 'block-node', 'node-name': 'nosuch'}]}",
                "yank {'instances': [{'type': 'migration'}, {'type': 'foo'}]}",
                "query-jobs {}",
                "job-dismiss {}",
                "job-dismiss {'id': 1}",
                "job-dismiss {'id': 'nosuch'}",
                "snapshot-save {}",
                "snapshot-save {'job-id': 'a'}",
                "snapshot-save {'job-id': 'a', 'tag': 't'}",
                "snapshot-save {'job-id': 'a', 'tag': 't', 'vmstate': 'v'}",
                "snapshot-save " + SNAPSHOT.formatted("a", "[1]"),
                "snapshot-save " + SNAPSHOT.formatted("1a", "[]"),
                "snapshot-save " + SNAPSHOT.formatted("", "[]"),
                "snapshot-save " + SNAPSHOT.formatted("a b", "[]"),
                "snapshot-save " + SNAPSHOT.formatted("save", "[]"),
                "snapshot-save " + SNAPSHOT.formatted("save", "[]"),
                "snapshot-save " + SNAPSHOT.formatted("save.other", "['x', 'y']"),
                "snapshot-load " + SNAPSHOT.formatted("load", "[]"),
                "snapshot-load " + SNAPSHOT.formatted("load-other_9", "['v']"),
                "query-status {}",
                "snapshot-delete {'job-id': 'd'}",
                "snapshot-delete " + SNAPSHOT.formatted("d", "[]"),
                "snapshot-delete {'job-id': 'delete', 'tag': 't', 'devices': []}",
                "snapshot-delete {'job-id': 'delete2', 'tag': 't', 'devices': ['v']}",
                "query-jobs {}",
                "job-dismiss {'id': 'load'}",
                "job-dismiss {'id': 'load'}",
                "query-jobs {}",
                "x-colo-lost-heartbeat {}",
                "query-colo-status {}",
                "xen-save-devices-state {}",
                "xen-save-devices-state {'filename': 1}",
                "xen-save-devices-state {'filename': '/nosuch/x'}",
                "xen-save-devices-state {'filename': '%s'}".formatted(folder),
                "xen-save-devices-state {'filename': ''}",
                "xen-save-devices-state {'filename': '/nosuch/x', 'live': 3}",
                "xen-load-devices-state {}",
                "xen-load-devices-state {'filename': '/nosuch/x'}",
                "xen-load-devices-state {'filename': ''}",
                "xen-set-global-dirty-log {}",
                "xen-set-global-dirty-log {'enable': 1}",
                "xen-set-global-dirty-log {'enable': true}",
                "xen-set-global-dirty-log {'enable': false}",
                "xen-set-replication {}",
                "xen-set-replication {'enable': true}",
                "xen-set-replication {'enable': true, 'primary': true, 'failover': false}",
                "query-xen-replication-status {}",
                "client_migrate_info {}",
                "client_migrate_info {'protocol': 'spice'}",
                "client_migrate_info {'protocol': 'vnc', 'hostname': 'h'}",
                "client_migrate_info {'protocol': 'vnc', 'hostname': 'h', 'port': 1, 'tls-port': 'y'}",
                "client_migrate_info {'protocol': 'spice', 'hostname': 'h'}",
                "client_migrate_info {'protocol': 'spice', 'hostname': 'h', 'port': 1, 'cert-subject': 3}",
                "display-reload {}",
                "display-reload {'type': 'x'}",
                "display-reload {'type': 'vnc'}",
                "display-reload {'type': 'vnc', 'tls-certs': 1}",
                "display-reload {'type': 'vnc', 'tls-certs': false}",
                "display-reload {'type': 'vnc', 'tls-certs': true}",
                "display-reload {'type': 'vnc', 'z': true}",
                "migrate_set_speed {'value': 1}",
                "migrate_set_downtime {'value': 1}",
                "migrate-set-cache-size {'value': 1}",
                "query-migrate-cache-size {}",
                "migrate {'uri': 'x:1', 'resume': true}",
                "migrate {'uri': 'tcp:127.0.0.1:1', 'resume': true}",
                "migrate {'uri': 'tcp:127.0.0.1:1', 'blk': true}",
                "migrate {'uri': 'tcp:127.0.0.1:1', 'inc': true}",
                "migrate-set-capabilities {'capabilities': [{'capability': 'multifd', 'state': true}]}",
                "migrate {'uri': 'exec:cat', 'resume': true}",
                "query-migrate {}",
                "query-status {}");
    }

    /** What a QEMU 7.2 still has in common with 3.1, and we in the profile of that. */
    private static final List<String> OLD_QUESTIONS = List.of(
            "migrate-start-postcopy {}",
            "migrate-pause {}",
            "migrate-recover {'uri': 'x'}",
            "migrate {}",
            "migrate {'uri': 3}",
            "migrate {'uri': 'tcp:h:1', 'blk': 1}",
            "migrate {'uri': 'tcp:h:1', 'inc': 'x'}",
            "migrate {'uri': 'tcp:h:1', 'resume': true}",
            "migrate {'uri': 'x:1', 'blk': true, 'resume': true}",
            "migrate {'uri': 'x:1'}",
            "migrate {'uri': 'tcp:x'}",
            "migrate-set-parameters {'block-incremental': true}",
            "migrate {'uri': 'x:1', 'blk': true}",
            "migrate {'uri': 'x:1', 'inc': true}",
            "migrate {'uri': 'x:1', 'blk': false, 'inc': false}",
            "migrate-set-parameters {'block-incremental': false}",
            "x-colo-lost-heartbeat {}",
            "client_migrate_info {'protocol': 'x', 'hostname': 'h'}",
            "client_migrate_info {'protocol': 'spice', 'hostname': 'h'}",
            "xen-set-replication {'enable': true, 'primary': true, 'failover': true}",
            "xen-save-devices-state {'filename': '/nosuch/x'}",
            "xen-load-devices-state {'filename': '/nosuch/x'}",
            "query-xen-replication-status {}",
            "query-jobs {}",
            "job-dismiss {'id': 'nosuch'}");

    @Test
    void bothAnswerAlike() throws Exception {
        List<String> questions = questions(folder);
        assertTrue(questions.size() >= 100);

        assertAnsweredAlike(QemuVersion.V10_0, Profile.V10_0, questions);
    }

    @Test
    void theOldProfileAnswersAsAnOldQemuWhereThatHasNotChangedSince() throws Exception {
        assertAnsweredAlike(QemuVersion.V7_2, Profile.V3_1, OLD_QUESTIONS);
    }

    private void assertAnsweredAlike(QemuVersion version, Profile profile, List<String> questions) throws Exception {
        try (QemuProcess qemu = QemuProcess.atRest(version, QemuGuest.dirtying(folder), folder.resolve("qemu"));
                IdleGuest ours = new IdleGuest(profile)) {
            Asked us = (command, arguments) ->
                    ours.dispatcher().execute(command, (ObjectNode) JSON.readTree(arguments.replace('\'', '"')));
            List<String> differences = new ArrayList<>();
            for (String question : questions) {
                String command = question.substring(0, question.indexOf(' '));
                String arguments = question.substring(question.indexOf(' ') + 1);
                awaitJobs(qemu::execute);
                awaitJobs(us);
                JsonNode theirs = answer(qemu::execute, command, arguments);
                JsonNode mine = answer(us, command, arguments);
                if (!theirs.equals(mine)) {
                    differences.add("%s%n  QEMU: %s%n  ours: %s".formatted(question, theirs, mine));
                }
            }

            assertEquals(List.of(), differences, () -> String.join("\n", differences));
        }
    }

    private static JsonNode answer(Asked asked, String command, String arguments) throws Exception {
        try {
            return asked.execute(command, arguments);
        } catch (QmpError refused) {
            return Json.object().put("class", refused.kind().wireName()).put("desc", refused.getMessage());
        }
    }

    private static void awaitJobs(Asked asked) throws Exception {
        Predicate<JsonNode> over = job -> job.get("status").asString().equals("concluded");
        Await.until(
                "jobs that have concluded",
                Duration.ofSeconds(20),
                () -> asked.execute("query-jobs", "{}").valueStream().allMatch(over));
    }
}
