package org.transhume.control.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.transhume.control.devices.ColoStatus;
import org.transhume.control.devices.DeviceLayer;
import org.transhume.control.guest.RunState;
import org.transhume.control.qmp.QmpError;
import org.transhume.control.settings.Profile;
import org.transhume.engine.outgoing.OutgoingMigration;
import org.transhume.memory.DirtyBitmap;
import org.transhume.memory.WriterMarks;

/** Commands about devices: their texts where there are no devices, and what reaches a layer that has some. */
class DeviceCommandsTest {
    private static final String WHOLE = "{'job-id': '%s', 'tag': 't', 'vmstate': 'disk', 'devices': %s}";

    @TempDir
    Path folder;

    private DrivenGuest bare(Profile profile) throws Exception {
        return DrivenGuest.with(folder.resolve("qmp"), profile, DeviceLayer.NONE);
    }

    private DrivenGuest with(DeviceLayer devices) throws Exception {
        return DrivenGuest.with(folder.resolve("qmp"), Profile.V10_0, devices);
    }

    @Test
    void withoutDevicesEachCommandRefusesAsQemuDoes() throws Exception {
        try (DrivenGuest guest = bare(Profile.V10_0)) {
            guest.assertAnswers(
                    "x-colo-lost-heartbeat | {} | GenericError: VM is not in COLO mode",
                    "query-colo-status | {} | {'last-mode':'none','mode':'none','reason':'none'}",
                    "xen-save-devices-state | {} | GenericError: Parameter 'filename' is missing",
                    "xen-save-devices-state | {'filename': '/nosuch/x'}"
                            + "| GenericError: Could not create '/nosuch/x': No such file or directory",
                    "xen-save-devices-state | {'filename': '%s'} | GenericError: Could not create '%s': Is a directory"
                            .formatted(folder, folder),
                    "xen-save-devices-state | {'filename': '%s/x', 'live': 1}".formatted(folder)
                            + "| GenericError: Invalid parameter type for 'live', expected: boolean",
                    "xen-save-devices-state | {'filename': '%s/x'} | GenericError: saving Xen device state failed"
                            .formatted(folder),
                    "xen-load-devices-state | {'filename': '/nosuch/x'}"
                            + "| GenericError: Could not open '/nosuch/x': No such file or directory",
                    "xen-load-devices-state | {'filename': '%s'} | GenericError: loading Xen device state failed"
                            .formatted(folder),
                    "xen-set-replication | {'enable': true} | GenericError: Parameter 'primary' is missing",
                    "xen-set-replication | {'enable': true, 'primary': true, 'failover': false}"
                            + "| GenericError: Parameter 'failover' is only for stopping replication",
                    "xen-set-replication | {'enable': true, 'primary': true}"
                            + "| CommandNotFound: The command xen-set-replication has not been found",
                    "query-xen-replication-status | {} | {'error':false}",
                    "xen-colo-do-checkpoint | {}"
                            + "| CommandNotFound: The command xen-colo-do-checkpoint has not been found",
                    "client_migrate_info | {'protocol': 'spice'} | GenericError: Parameter 'hostname' is missing",
                    "client_migrate_info | {'protocol': 'vnc', 'hostname': 'h', 'port': 1, 'tls-port': 'y'}"
                            + "| GenericError: Invalid parameter type for 'tls-port', expected: integer",
                    "client_migrate_info | {'protocol': 'vnc', 'hostname': 'h'}"
                            + "| GenericError: Parameter 'protocol' expects 'spice'",
                    "client_migrate_info | {'protocol': 'spice', 'hostname': 'h'}"
                            + "| DeviceNotActive: SPICE is not in use",
                    "display-reload | {'type': 'x'} | GenericError: Parameter 'type' does not accept value 'x'",
                    "display-reload | {'type': 'vnc', 'tls-certs': 1}"
                            + "| GenericError: Invalid parameter type for 'tls-certs', expected: boolean",
                    "display-reload | {'type': 'vnc', 'tls-certs': false} | {}",
                    "display-reload | {'type': 'vnc', 'tls-certs': true} | GenericError: Can not find vnc display",
                    "job-dismiss | {'id': 'x'} | GenericError: Job not found",
                    "query-jobs | {} | []");
            assertFalse(Files.exists(folder.resolve("x")), "a file was left by a command that failed");
        }
    }

    @Test
    void theOldProfileHasItsOwnCommandsAndWords() throws Exception {
        try (DrivenGuest guest = bare(Profile.V3_1)) {
            guest.assertAnswers(
                    "x-colo-lost-heartbeat | {} | GenericError: The feature 'colo' is not enabled",
                    "query-colo-status | {} | {'last-mode':'unknown','mode':'unknown','reason':'none'}",
                    "client_migrate_info | {'protocol': 'spice', 'hostname': 'h'}"
                            + "| DeviceNotActive: SPICE is not in use",
                    "snapshot-save | {} | CommandNotFound: The command snapshot-save has not been found",
                    "display-reload | {} | CommandNotFound: The command display-reload has not been found");
        }
    }

    @Test
    void aSnapshotOfNoDeviceIsAJobThatFails() throws Exception {
        try (DrivenGuest guest = bare(Profile.V10_0)) {
            guest.cont();
            guest.assertAnswers(
                    "snapshot-save | {'job-id': 'a', 'tag': 't', 'vmstate': 'v'}"
                            + "| GenericError: Parameter 'devices' is missing",
                    "snapshot-save | " + WHOLE.formatted("1", "[]") + "| GenericError: Invalid job ID '1'",
                    "snapshot-save | " + WHOLE.formatted("a", "[]") + "| {}",
                    "snapshot-save | " + WHOLE.formatted("a", "[]") + "| GenericError: Job ID 'a' already in use",
                    "snapshot-save | " + WHOLE.formatted("b", "['disk']") + "| {}");
            awaitConcluded(guest, 2);

            guest.assertAnswers(
                    "query-jobs | {} | [{'current-progress':1,'status':'concluded','total-progress':1,"
                            + "'type':'snapshot-save','id':'b','error':'No block device node 'disk''},"
                            + "{'current-progress':1,'status':'concluded','total-progress':1,"
                            + "'type':'snapshot-save','id':'a','error':'At least one device is required for snapshot'}]",
                    "job-dismiss | {'id': 'a'} | {}",
                    "job-dismiss | {'id': 'a'} | GenericError: Job not found",
                    "snapshot-delete | {'job-id': 'a', 'tag': 't', 'devices': ['x']} | {}");
            awaitConcluded(guest, 2);
            assertEquals("running", guest.runState());
        }
    }

    @Test
    void aSnapshotThatCannotBeLoadedLeavesTheGuestStopped() throws Exception {
        try (DrivenGuest guest = bare(Profile.V10_0)) {
            guest.cont();
            guest.execute("snapshot-load", WHOLE.formatted("a", "[]"));
            guest.awaitTold("RESUME a:created a:running STOP a:aborting a:concluded ");

            assertEquals("restore-vm", guest.runState());
            assertEquals("{}", guest.answer("stop", "{}"));
            assertEquals("{}", guest.answer("cont", "{}"));
            assertEquals("running", guest.runState());
            guest.awaitTold(".* RESUME ");
        }
    }

    @Test
    void aSnapshotIsSavedLoadedAndDeletedByTheLayer() throws Exception {
        RecordingDevices devices = new RecordingDevices();
        try (DrivenGuest guest = with(devices)) {
            guest.cont();
            guest.execute("snapshot-save", WHOLE.formatted("a", "['disk', 'other']"));
            guest.awaitTold("RESUME a:created a:running STOP RESUME a:waiting a:pending a:concluded ");
            guest.execute("snapshot-save", WHOLE.formatted("b", "['disk']"));
            guest.execute("snapshot-save", WHOLE.formatted("c", "['other', 'nosuch']"));
            guest.execute("snapshot-save", WHOLE.formatted("d", "['empty']"));
            guest.execute("snapshot-load", WHOLE.formatted("e", "['disk', 'other']"));
            awaitConcluded(guest, 5);
            assertEquals("running", guest.runState());
            guest.execute("snapshot-load", WHOLE.formatted("f", "['disk', 'empty']"));
            guest.execute("snapshot-delete", "{'job-id': 'g', 'tag': 't', 'devices': ['disk', 'empty']}");
            awaitConcluded(guest, 7);

            assertEquals(
                    List.of(
                            "null",
                            "Snapshot 't' does not exist in one or more devices",
                            "null",
                            "vmstate block device 'disk' does not exist",
                            "No block device node 'nosuch'",
                            "Snapshot 't' already exists in one or more devices",
                            "null"),
                    guest.execute("query-jobs", "{}")
                            .valueStream()
                            .map(job -> job.path("error").asString("null"))
                            .toList());
            assertEquals(
                    List.of("save t disk [disk, other]", "load t disk [disk, other]", "delete t [disk, empty]"),
                    devices.calls());
        }
    }

    @Test
    void theGuestStandsWhileASnapshotIsSaved() throws Exception {
        CountDownLatch saving = new CountDownLatch(1);
        CountDownLatch saved = new CountDownLatch(1);
        RecordingDevices devices = new RecordingDevices() {
            @Override
            public void saveSnapshot(String tag, String vmstate, List<String> nodes) {
                saving.countDown();
                awaitQuietly(saved);
            }
        };
        try (DrivenGuest guest = with(devices)) {
            guest.cont();
            guest.execute("snapshot-save", WHOLE.formatted("a", "['disk']"));
            saving.await();

            guest.assertAnswers(
                    "query-status | {} | {'running':false,'status':'save-vm'}",
                    "cont | {} | GenericError: The guest's devices are being saved or loaded, please wait.",
                    "migrate | {'uri': 'exec:cat'}"
                            + "| GenericError: A snapshot is being saved or loaded, please wait.",
                    "job-dismiss | {'id': 'a'}"
                            + "| GenericError: Job 'a' in state 'running' cannot accept command verb 'dismiss'",
                    "stop | {} | {}");
            saved.countDown();
            awaitConcluded(guest, 1);

            assertEquals("paused", guest.runState());
        } finally {
            saved.countDown();
        }
    }

    @Test
    void xenStateIsSavedOfAGuestThatStands() throws Exception {
        RecordingDevices devices = new RecordingDevices();
        Path file = folder.resolve("state");
        try (DrivenGuest guest = with(devices)) {
            guest.cont();
            guest.assertAnswers(
                    "xen-save-devices-state | {'filename': '%s'} | {}".formatted(file),
                    "xen-load-devices-state | {'filename': '%s'}".formatted(file)
                            + "| GenericError: Cannot update device state while vm is running",
                    "stop | {} | {}",
                    "xen-save-devices-state | {'filename': '%s', 'live': false} | {}".formatted(file),
                    "xen-load-devices-state | {'filename': '%s'} | {}".formatted(file));

            guest.awaitTold("RESUME STOP RESUME STOP ");
            assertEquals("paused", guest.runState());
            assertEquals(
                    List.of(
                            "xen save %s true".formatted(file),
                            "xen save %s false".formatted(file),
                            "xen load " + file),
                    devices.calls());
        }
    }

    @Test
    void replicationAndDisplaysReachTheLayer() throws Exception {
        RecordingDevices devices = new RecordingDevices();
        devices.spice = true;
        devices.replicationError = Optional.of("the disk is gone");
        try (DrivenGuest guest = with(devices)) {
            guest.assertAnswers(
                    "xen-set-replication | {'enable': true, 'primary': false} | {}",
                    "xen-set-replication | {'enable': false, 'primary': true, 'failover': true} | {}",
                    "query-xen-replication-status | {} | {'error':true,'desc':'the disk is gone'}",
                    "xen-colo-do-checkpoint | {} | GenericError: the disk is gone",
                    "client_migrate_info | {'protocol': 'spice', 'hostname': 'h'}"
                            + "| GenericError: parameter 'port' or 'tls-port' is required",
                    "client_migrate_info | {'protocol': 'spice', 'hostname': 'h', 'tls-port': 5, 'cert-subject': 'c'}|{}",
                    "display-reload | {'type': 'vnc', 'tls-certs': true} | {}");

            assertEquals(
                    List.of(
                            "replicate true false false",
                            "replicate false true true",
                            "checkpoint",
                            "spice SpiceTarget[hostname=h, port=OptionalLong.empty, tlsPort=OptionalLong[5],"
                                    + " certSubject=Optional[c]]",
                            "reload"),
                    devices.calls());
        }
    }

    @Test
    void coloEndsOnceAndItsEndIsTold() throws Exception {
        RecordingDevices devices = new RecordingDevices();
        try (DrivenGuest guest = with(devices)) {
            devices.colo = new ColoStatus(ColoStatus.Mode.PRIMARY, ColoStatus.Mode.NONE, ColoStatus.Reason.NONE);
            guest.assertAnswers(
                    "query-colo-status | {} | {'last-mode':'none','mode':'primary','reason':'none'}",
                    "x-colo-lost-heartbeat | {} | {}",
                    "x-colo-lost-heartbeat | {} | GenericError: COLO failover is already activated");
            devices.events.primaryUnplugged("net0");

            guest.awaitTold("COLO_EXIT\\{.mode.:.primary.,.reason.:.request.} UNPLUG_PRIMARY\\{.device-id.:.net0.} ");
            assertEquals(List.of("lost"), devices.calls());
        }
    }

    @Test
    void theGlobalDirtyLogIsASecondOneBesideAMigration() throws Exception {
        try (DrivenGuest guest = bare(Profile.V10_0)) {
            guest.assertAnswers(
                    "xen-set-global-dirty-log | {'enable': 1}"
                            + "| GenericError: Invalid parameter type for 'enable', expected: boolean",
                    "xen-set-global-dirty-log | {'enable': true} | {}",
                    "xen-set-global-dirty-log | {'enable': true} | {}");
            assertEquals(0, written(guest));
            ((WriterMarks) guest.guest.dirtySource()).mark(0, 3);
            assertEquals(1, written(guest));
            guest.assertAnswers("xen-set-global-dirty-log | {'enable': false} | {}");
            assertThrows(IllegalStateException.class, () -> written(guest), "a log of writes that nobody wants");
        }
    }

    @Test
    void aGuestThatIsToArriveHasNoWritesToLog() throws Exception {
        try (DrivenGuest guest = DrivenGuest.arriving(folder.resolve("qmp"), Profile.V10_0, null, 1 << 20)) {
            guest.assertAnswers(
                    "xen-set-global-dirty-log | {'enable': true}"
                            + "| GenericError: Guest is waiting for an incoming migration",
                    "xen-set-global-dirty-log | {'enable': false} | {}");
            assertEquals("inmigrate", guest.runState());
        }
    }

    /** A guest in a migration is handed over, or comes back, only once its devices are written. */
    @Test
    void aMigrationWaitsWhileDevicesAreSaved() throws Exception {
        CountDownLatch saving = new CountDownLatch(1);
        CountDownLatch saved = new CountDownLatch(1);
        RecordingDevices devices = new RecordingDevices() {
            @Override
            public void saveXenState(Path file, boolean live) {
                saving.countDown();
                awaitQuietly(saved);
            }
        };
        Path state = folder.resolve("state");
        try (DrivenGuest guest = with(devices);
                DrivenGuest destination = DrivenGuest.arriving(folder.resolve("dst"), Profile.V10_0, null, 1 << 20)) {
            guest.cont();
            guest.enable("pause-before-switchover");
            guest.migrate(destination.listen(folder.resolve("in")));
            guest.awaitStatus("pre-switchover");
            Thread saver = Thread.ofPlatform().start(() -> {
                try {
                    guest.execute("xen-save-devices-state", "{'filename': '%s'}".formatted(state));
                } catch (IOException | QmpError e) {
                    throw new IllegalStateException(e);
                }
            });
            saving.await();

            guest.process.control().cancel();
            OutgoingMigration cancelled = guest.process.control().outgoing().orElseThrow();
            assertThrows(TimeoutException.class, () -> cancelled.completion().get(100, TimeUnit.MILLISECONDS));
            assertEquals(RunState.FINISH_MIGRATE, guest.process.runtime().state());
            saved.countDown();

            saver.join();
            guest.awaitStatus("cancelled");
            assertEquals("running", guest.runState());
        } finally {
            saved.countDown();
        }
    }

    private static long written(DrivenGuest guest) {
        try (DirtyBitmap pages =
                new DirtyBitmap(guest.guest.memory().blocks().get(0).pages())) {
            return guest.guest.dirtySource().harvest(0, pages);
        }
    }

    private static void awaitConcluded(DrivenGuest guest, int count) throws Exception {
        DrivenGuest.await(count + " concluded jobs", () -> count == concluded(guest));
    }

    private static long concluded(DrivenGuest guest) throws IOException, QmpError {
        return guest.execute("query-jobs", "{}")
                .valueStream()
                .filter(job -> job.get("status").asString().equals("concluded"))
                .count();
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
