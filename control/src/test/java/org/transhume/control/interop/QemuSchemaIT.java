package org.transhume.control.interop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.transhume.control.process.IdleGuest;
import org.transhume.control.schema.SchemaReader;
import org.transhume.control.settings.Profile;

/** What we say of our commands, beside what a QEMU 10.0 says of its own: the same but for what is explained here. */
@Timeout(120)
class QemuSchemaIT {
    /** Command or event and places in it, by regular expression, and why only QEMU has them. */
    private static final Map<String, String> ONLY_QEMU = Map.ofEntries(
            Map.entry("migrate(-incoming)? .*(transport|type)=(rdma|vsock)", "not built: RDMA and vsock"),
            Map.entry("migrate(-incoming)? .*\\.(rdma|vsock)\\..*", "not built: RDMA and vsock"),
            Map.entry("migrate(-incoming)? .*unix\\..*\\?", "unix addresses are a path"),
            Map.entry("query-migrate socket-address.*(vsock|inet|unix).*", "what there is no way to listen at"),
            Map.entry(".*migrate.*-parameters mode\\?=cpr-.*", "not built: modes other than normal"),
            Map.entry("query-migrate vfio\\?.*", "there are no VFIO devices"),
            Map.entry("query-migrate blocked-reasons\\?.*", "nothing blocks a migration"),
            Map.entry("query-status status=.*", "run states that a guest here cannot reach"),
            Map.entry("SHUTDOWN reason=.*", "the process ends only when told to"),
            Map.entry("display-reload vnc\\..*", "with one kind of display it is no union"),
            Map.entry("query-jobs \\[].type=.*", "jobs are those of snapshots"),
            Map.entry("(query-jobs|JOB_STATUS_CHANGE) .*status=.*", "jobs are neither paused nor held back"));

    private static final Map<String, String> ONLY_OURS = Map.of(
            "display-reload tls-certs\\?", "with one kind of display it is no union",
            ".*-capabilities .*capability=x-.*", "Transhume's own capabilities",
            ".*-capabilities .*capability=(mc.*|rdma-keepalive)", "of the micro-checkpointing RFC, in every profile",
            "query-migrate x-transhume\\?.*", "Transhume's own forecast");

    private static final Set<String> USED = new HashSet<>();

    @TempDir
    static Path folder;

    private static SchemaReader qemu;
    private static SchemaReader ours;

    @BeforeAll
    static void askBoth() throws Exception {
        try (QemuProcess process =
                        QemuProcess.atRest(QemuVersion.V10_0, QemuGuest.dirtying(folder), folder.resolve("qemu"));
                IdleGuest guest = new IdleGuest(Profile.V10_0)) {
            qemu = new SchemaReader(process.execute("query-qmp-schema", "{}"));
            ours = new SchemaReader(guest.dispatcher().execute("query-qmp-schema", null));
        }
    }

    @AfterAll
    static void forget() {
        qemu = null;
        ours = null;
    }

    @Test
    void takesAndAnswersWhatQemuDoesAndTellsTheSameEvents() {
        Map<String, Collection<String>> unexplained = new TreeMap<>();
        Set<String> both = common("command");
        for (String command : both) {
            compare(command, qemu.argumentsOf(command), ours.argumentsOf(command), unexplained);
            compare(command, qemu.resultOf(command), ours.resultOf(command), unexplained);
        }
        for (String event : ours.names("event")) {
            compare(event, qemu.argumentsOf(event), ours.argumentsOf(event), unexplained);
        }

        assertTrue(both.size() > 30, "too few to say anything: " + both);
        assertEquals(Map.of(), unexplained);
        Set<String> explanations = new HashSet<>(ONLY_QEMU.keySet());
        explanations.addAll(ONLY_OURS.keySet());
        assertEquals(explanations, USED, "an explanation that nothing needs any more");
    }

    @Test
    void hasNoCommandsBesidesQemusButItsOwn() {
        Set<String> more = ours.names("command");
        more.removeAll(qemu.names("command"));

        assertEquals(Set.of("query-x-plan", "x-plan", "migrate-set-mc-delay"), more);
    }

    @Test
    void runsTheSameCommandsOutOfBandAndWarnsOfTheSame() {
        for (String command : common("command")) {
            assertEquals(
                    qemu.entry(command).path("allow-oob"), ours.entry(command).path("allow-oob"), command);
            assertEquals(
                    qemu.entry(command).path("features").toString().replace("[\"savevm-monitor-nodes\"]", ""),
                    ours.entry(command).path("features").toString(),
                    command);
        }
    }

    private static Set<String> common(String metaType) {
        Set<String> both = new TreeSet<>(ours.names(metaType));
        both.retainAll(qemu.names(metaType));
        return both;
    }

    private static void compare(
            String name,
            SchemaReader.Shape theirs,
            SchemaReader.Shape own,
            Map<String, Collection<String>> unexplained) {
        Map<String, String> differences = new LinkedHashMap<>();
        Map<String, String> here = own.places();
        Map<String, String> there = theirs.places();
        there.forEach((place, kind) -> {
            if (!kind.equals(here.get(place)) && !explained(name + " " + place, ONLY_QEMU)) {
                differences.put(place, "QEMU: %s, here: %s".formatted(kind, here.get(place)));
            }
        });
        here.forEach((place, kind) -> {
            if (!there.containsKey(place) && !explained(name + " " + place, ONLY_OURS)) {
                differences.put(place, "only here");
            }
        });
        if (!differences.isEmpty()) {
            unexplained.computeIfAbsent(name, _ -> new ArrayList<>()).add(differences.toString());
        }
    }

    private static boolean explained(String place, Map<String, String> reasons) {
        List<String> reason = reasons.keySet().stream().filter(place::matches).toList();
        USED.addAll(reason);
        return !reason.isEmpty();
    }
}
