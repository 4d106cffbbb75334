package org.transhume.control.interop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.transhume.channels.Address;
import org.transhume.channels.Connections;
import org.transhume.engine.MigrationObserver;
import org.transhume.engine.MigrationState;
import org.transhume.engine.guest.PassiveGuest;
import org.transhume.engine.incoming.IncomingConfig;
import org.transhume.engine.incoming.IncomingMigration;
import org.transhume.engine.incoming.IncomingReport;
import org.transhume.engine.incoming.PostcopyArrival;
import org.transhume.engine.outgoing.Dialer;
import org.transhume.engine.outgoing.OutgoingConfig;
import org.transhume.engine.outgoing.OutgoingMigration;
import org.transhume.engine.outgoing.OutgoingReport;
import org.transhume.engine.outgoing.PostcopyTerms;
import org.transhume.memory.RamBlock;

/** A guest that runs at once while its pages follow: from a QEMU to us and from us to a QEMU, through cuts. */
@Timeout(120)
class PostcopyWithQemuIT {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    /** Less than the guest writes, so that it never moves by itself. */
    private static final int LINK = 200 << 10;
    /** Half a second or more for what is left. */
    private static final int AFTERWARDS = 500 << 10;
    /** Pages that only the test writes. */
    private static final int PAGES = 512;

    private static final int PER_TICK = 4;
    private static final int TOUCHES = 2000;
    private static final long SEED = 6;

    private final BlockingQueue<MigrationState> states = new LinkedBlockingQueue<>();
    private Path folder;
    private int sockets;

    /** Where userfaultfd works for a file: in memory. */
    @BeforeEach
    void createFolder() throws IOException {
        folder = Files.createTempDirectory(Path.of("/dev/shm"), "postcopy");
    }

    @AfterEach
    void deleteFolder() throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "V10_0, false, 0",
        "V10_0, true, 2",
        "V7_2, false, 1",
        "V7_2, true, 0",
        "V10_0, true, 0",
        "V10_0, false, 2",
        "V10_0_WITH_MACHINE_7_2, true, 1"
    })
    void aGuestOfAQemuArrivesBeforeItsPages(QemuVersion version, boolean preempt, int cuts) throws Exception {
        QemuGuest kind = QemuGuest.dirtying(folder);
        try (QemuProcess source = QemuProcess.running(version, kind, folder.resolve("source"));
                PassiveGuest received = PassiveGuest.touching(TOUCHES, SEED)) {
            source.awaitDirtying();
            if (version.losesPagesOfARunningGuest()) {
                source.stop();
            }
            String uri = socket();
            IncomingMigration in = incoming(received, uri, preempt);
            enable(source, preempt);
            source.set("max-bandwidth=%d max-postcopy-bandwidth=%d downtime-limit=1".formatted(LINK, AFTERWARDS));
            source.startMigration(uri);
            source.execute("migrate-start-postcopy", "{}");
            for (int cut = 0; cut < cuts; cut++) {
                await(MigrationState.PostcopyActive.class);
                if (cut % 2 == 0) {
                    source.execute("migrate-pause", "{}");
                } else {
                    assertTrue(in.pausePostcopy());
                }
                await(MigrationState.PostcopyPaused.class);
                awaitStatus(source, "postcopy-paused");
                String again = socket();
                assertTrue(in.recover(Connections.listen(Address.parse(again))));
                source.execute("migrate", "{'uri': '%s', 'resume': true}".formatted(again));
            }
            source.awaitMigrated();
            IncomingReport report = in.completion().get(LIMIT.toSeconds(), TimeUnit.SECONDS);

            assertEquals("completed", report.outcome(), report.reason());
            assertTrue(received.pagesTouched() > 0, "no page was asked for");
            assertSameRam(received, source.ram(), 0);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "V10_0, true, 0, true",
        "V10_0, false, 2, true",
        "V10_0, true, 2, false",
        "V7_2, true, 0, true",
        "V10_0, false, 0, false",
        "V10_0_WITH_MACHINE_7_2, true, 1, true",
        "V7_2, false, 1, true"
    })
    void aGuestOfOursRunsInAQemuBeforeItsPages(QemuVersion version, boolean preempt, int cuts, boolean early)
            throws Exception {
        QemuGuest kind = QemuGuest.dirtying(folder);
        try (PassiveGuest received = new PassiveGuest()) {
            receive(version, kind, received);
            try (LentGuest guest = new LentGuest(received, PAGES, PER_TICK);
                    QemuProcess destination = QemuProcess.incoming(version, kind, folder.resolve("destination"))) {
                guest.resume();
                enable(destination, preempt);
                OutgoingMigration out = outgoing(guest, destination.listen(socket()), preempt);
                if (!early) {
                    Await.until("second round", LIMIT, () -> out.progress().rounds() >= 2);
                }
                out.startPostcopy();
                for (int cut = 0; cut < cuts; cut++) {
                    await(MigrationState.PostcopyActive.class);
                    awaitRunning(destination);
                    if (cut % 2 == 0) {
                        destination.execute("migrate-pause", "{}");
                    } else {
                        assertTrue(out.pausePostcopy());
                    }
                    await(MigrationState.PostcopyPaused.class);
                    awaitStatus(destination, "postcopy-paused");
                    String again = socket();
                    destination.execute("migrate-recover", "{'uri': '%s'}".formatted(again));
                    assertTrue(out.resume(Dialer.to(Address.parse(again))));
                }
                OutgoingReport report = out.completion().get(LIMIT.toSeconds(), TimeUnit.SECONDS);

                assertEquals("completed", report.outcome(), report.reason());
                assertFalse(guest.running());
                destination.awaitMigrated();
                if (early) { // else the guest has what it wants
                    assertTrue(out.progress().postcopyRequests() > 0, "no page was asked for");
                }
                destination.awaitDirtying();
                assertSameRam(received, destination.ram(), 64);
            }
        }
    }

    @Test
    void aLinuxGuestLivesOnBehindTwoPostcopies() throws Exception {
        QemuGuest kind = QemuGuest.linux();
        try (PassiveGuest received = PassiveGuest.touching(TOUCHES, SEED)) {
            try (QemuProcess source = QemuProcess.running(QemuVersion.V10_0, kind, folder.resolve("source"))) {
                source.awaitSerial("tick 1 ok");
                String uri = socket();
                IncomingMigration in = incoming(received, uri, true);
                enable(source, true);
                source.startMigration(uri);
                source.execute("migrate-start-postcopy", "{}");
                source.awaitMigrated();
                assertEquals(
                        "completed",
                        in.completion().get(LIMIT.toSeconds(), TimeUnit.SECONDS).outcome());
                assertSameRam(received, source.ram(), 0);
            }
            states.clear();
            try (QemuProcess destination =
                    QemuProcess.incoming(QemuVersion.V10_0, kind, folder.resolve("destination"))) {
                enable(destination, true);
                OutgoingMigration out = OutgoingMigration.start(
                        received,
                        Dialer.to(Address.parse(destination.listen(socket()))),
                        OutgoingConfig.builder()
                                .maxBandwidth(16 << 20)
                                .downtimeLimit(Duration.ofMillis(1))
                                .returnPath(true)
                                .postcopy(new PostcopyTerms(true, false, 32 << 20, null))
                                .build(),
                        telling(),
                        "out");
                out.startPostcopy();
                OutgoingReport report = out.completion().get(LIMIT.toSeconds(), TimeUnit.SECONDS);

                assertEquals("completed", report.outcome(), report.reason());
                destination.awaitMigrated();
                destination.awaitSerial(" ok");
                assertFalse(destination.serial().contains("bad"), destination.serial());
            }
        }
    }

    private IncomingMigration incoming(PassiveGuest guest, String uri, boolean preempt) throws IOException {
        return IncomingMigration.start(
                guest,
                Connections.listen(Address.parse(uri)),
                IncomingConfig.DEFAULT.withPostcopy(new PostcopyArrival(preempt, true, false, null)),
                telling(),
                "in");
    }

    private OutgoingMigration outgoing(LentGuest guest, String uri, boolean preempt) {
        return OutgoingMigration.start(
                guest,
                Dialer.to(Address.parse(uri)),
                OutgoingConfig.builder()
                        .maxBandwidth(4L * LINK)
                        .downtimeLimit(Duration.ofMillis(1))
                        .returnPath(true)
                        .postcopy(new PostcopyTerms(preempt, false, AFTERWARDS, null))
                        .build(),
                telling(),
                "out");
    }

    private void receive(QemuVersion version, QemuGuest kind, PassiveGuest into) throws Exception {
        try (QemuProcess source = QemuProcess.running(version, kind, folder.resolve("first"))) {
            source.awaitDirtying();
            String uri = socket();
            IncomingMigration in = IncomingMigration.start(
                    into,
                    Connections.listen(Address.parse(uri)),
                    IncomingConfig.DEFAULT,
                    new MigrationObserver() {},
                    "in");
            source.enable(Set.of());
            source.migrate(uri);
            assertEquals(
                    "completed",
                    in.completion().get(LIMIT.toSeconds(), TimeUnit.SECONDS).outcome());
        }
    }

    private static void enable(QemuProcess qemu, boolean preempt) throws Exception {
        for (String capability : preempt ? List.of("postcopy-ram", "postcopy-preempt") : List.of("postcopy-ram")) {
            qemu.execute(
                    "migrate-set-capabilities",
                    "{'capabilities': [{'capability': '%s', 'state': true}]}".formatted(capability));
        }
    }

    private String socket() {
        return "unix:" + folder.resolve("in" + sockets++);
    }

    private MigrationObserver telling() {
        return new MigrationObserver() {
            @Override
            public void state(MigrationState state) {
                states.add(state);
            }
        };
    }

    /** Takes states until one of {@code kind} comes. */
    private void await(Class<? extends MigrationState> kind) throws InterruptedException {
        while (true) {
            MigrationState next = states.poll(LIMIT.toSeconds(), TimeUnit.SECONDS);
            assertTrue(next != null, "no " + kind.getSimpleName());
            if (kind.isInstance(next)) {
                return;
            }
            assertFalse(next.ended(), () -> "ended as " + next);
        }
    }

    /** A QEMU that loses its source while it still loads the devices ends, and the guest with it. */
    private static void awaitRunning(QemuProcess qemu) throws Exception {
        Await.until("running guest in a QEMU", LIMIT, () -> qemu.runState().equals("running"));
    }

    private static void awaitStatus(QemuProcess qemu, String status) throws Exception {
        Await.until(
                status + " of a QEMU",
                LIMIT,
                () -> qemu.migration().path("status").asString("none").equals(status));
    }

    /** @param hot pages that the guest writes by itself, and which are left out */
    private static void assertSameRam(PassiveGuest ours, Path theirs, int hot) throws Exception {
        RamBlock ram = ours.memory().blocks().stream()
                .filter(block -> block.name().equals("pc.ram"))
                .findFirst()
                .orElseThrow();
        try (Arena arena = Arena.ofConfined();
                FileChannel file = FileChannel.open(theirs)) {
            MemorySegment mapped = file.map(FileChannel.MapMode.READ_ONLY, 0, file.size(), arena);
            long from = 0;
            if (hot > 0) {
                long first = QemuGuest.COUNTER;
                assertEquals(-1, ram.segment().asSlice(0, first).mismatch(mapped.asSlice(0, first)));
                from = first + hot * 4096L;
            }
            assertEquals(-1, ram.segment().asSlice(from).mismatch(mapped.asSlice(from)), "RAM differs from " + theirs);
        }
    }
}
