package org.transhume.control.interop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.transhume.channels.Address;
import org.transhume.channels.Connections;
import org.transhume.channels.qemu.BlockEntry;
import org.transhume.channels.qemu.DeviceTail;
import org.transhume.engine.IncomingGuest;
import org.transhume.engine.MigrationObserver;
import org.transhume.engine.guest.PassiveGuest;
import org.transhume.engine.incoming.IncomingConfig;
import org.transhume.engine.incoming.IncomingMigration;
import org.transhume.engine.incoming.IncomingReport;
import org.transhume.engine.outgoing.Dialer;
import org.transhume.engine.outgoing.OutgoingConfig;
import org.transhume.engine.outgoing.OutgoingMigration;
import org.transhume.engine.outgoing.OutgoingReport;
import org.transhume.engine.outgoing.ZeroPageDetection;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.RamBlock;

/** UUIDs, page channels, zero pages and the consent to the switchover, from a QEMU 10.0 to us and on to another one. */
@Timeout(120)
class QemuIdentityAndChannelsIT {
    private static final int LIMIT_SECONDS = 60;
    private static final UUID OTHER = UUID.fromString("12345678-1111-2222-3333-123456789abd");
    private static final UUID OURS = UUID.fromString("12345678-1111-2222-3333-123456789abc");

    @TempDir
    Path folder;

    @ParameterizedTest
    @CsvSource({
        "validate-uuid,               0,  multifd",
        "validate-uuid multifd,       2,  multifd",
        "multifd return-path,         16, multifd",
        "multifd,                     2,  legacy",
        "multifd,                     2,  none",
        "return-path,                 0,  none",
        "return-path switchover-ack,  0,  legacy",
    })
    void aGuestGoesThroughUsFromOneQemuToAnother(String capabilities, int channels, String zeroPages) throws Exception {
        Set<String> enabled = new TreeSet<>(List.of(capabilities.split(" ", -1)));
        QemuGuest guest = withUuid(QemuGuest.dirtying(folder));
        String parameters = "zero-page-detection=" + zeroPages + (channels > 0 ? " multifd-channels=" + channels : "");
        try (PassiveGuest between = new PassiveGuest();
                QemuProcess source = QemuProcess.running(QemuVersion.V10_0, guest, folder.resolve("source"));
                QemuProcess destination =
                        QemuProcess.incomingPaused(QemuVersion.V10_0, guest, folder.resolve("destination"))) {
            source.awaitDirtying();
            source.enable(enabled);
            source.set(parameters);
            destination.enable(enabled);
            destination.set(parameters);
            IncomingMigration incoming = IncomingMigration.start(
                    between,
                    Connections.listen(Address.parse("unix:" + folder.resolve("in"))),
                    IncomingConfig.DEFAULT.withChannels(channels).withSwitchoverAck(enabled.contains("switchover-ack")),
                    new MigrationObserver() {},
                    "in");

            source.migrate("unix:" + folder.resolve("in"));
            IncomingReport in = incoming.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);
            OutgoingReport out = OutgoingMigration.start(
                            between,
                            Dialer.to(Address.parse(destination.listen("unix:" + folder.resolve("out")))),
                            OutgoingConfig.builder()
                                    .channels(channels)
                                    .returnPath(enabled.contains("return-path"))
                                    .validateUuid(enabled.contains("validate-uuid"))
                                    .switchoverAck(enabled.contains("switchover-ack"))
                                    .zeroPages(ZeroPageDetection.valueOf(zeroPages.toUpperCase(Locale.ROOT)))
                                    .stallLimit(Duration.ofSeconds(20))
                                    .build(),
                            new MigrationObserver() {},
                            "out")
                    .completion()
                    .get(LIMIT_SECONDS, TimeUnit.SECONDS);

            assertEquals("completed", in.outcome(), in.reason());
            assertEquals("completed", out.outcome(), out.reason());
            destination.awaitMigrated();
            boolean named = channels > 0 || enabled.contains("validate-uuid");
            assertEquals(named ? OURS : null, between.uuid());
            assertEquals(zeroPages.equals("none"), in.zeroPages() == 0, in::toString);
            assertEquals(zeroPages.equals("none"), out.zeroPages() + out.holePages() == 0, out::toString);
            assertEquals(channels > 0, in.multifdBytes() > 0 && out.multifdBytes() > 0);
            assertSameRam(between, source.ram());
            assertSameRam(between, destination.ram());
            destination.cont();
            destination.awaitDirtying();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"validate-uuid", "validate-uuid multifd"})
    void aGuestOfAnotherUuidIsRefusedByUsAndByAQemuAndRunsOnWhereItIs(String capabilities) throws Exception {
        Set<String> enabled = new TreeSet<>(List.of(capabilities.split(" ", -1)));
        int channels = enabled.contains("multifd") ? 2 : 0;
        QemuGuest guest = QemuGuest.dirtying(folder);
        try (PassiveGuest between = new PassiveGuest();
                // After a failure a QEMU may hold on to its channels, and take no other migration.
                QemuProcess refused =
                        QemuProcess.running(QemuVersion.V10_0, withUuid(guest), folder.resolve("refused"));
                QemuProcess source = QemuProcess.running(QemuVersion.V10_0, withUuid(guest), folder.resolve("source"));
                QemuProcess destination = QemuProcess.incomingPaused(
                        QemuVersion.V10_0, withUuid(guest, OTHER), folder.resolve("other"))) {
            refused.awaitDirtying();
            refused.enable(enabled);
            IncomingReport report =
                    receive(refused, new Renamed(between, OTHER), channels).get(LIMIT_SECONDS, TimeUnit.SECONDS);
            assertEquals("failed", report.outcome());
            assertTrue(report.reason().contains(OURS + " and local is " + OTHER), report.reason());
            refused.awaitDirtying();

            source.awaitDirtying();
            source.enable(enabled);
            assertEquals(
                    "completed",
                    receive(source, between, channels)
                            .get(LIMIT_SECONDS, TimeUnit.SECONDS)
                            .outcome());
            destination.enable(enabled);
            try (LentGuest lent = new LentGuest(between)) {
                lent.resume();
                OutgoingReport out = OutgoingMigration.start(
                                lent,
                                Dialer.to(Address.parse(destination.listen("unix:" + folder.resolve("out")))),
                                OutgoingConfig.builder()
                                        .channels(channels)
                                        .validateUuid(true)
                                        .returnPath(true)
                                        .stallLimit(Duration.ofSeconds(20))
                                        .build(),
                                new MigrationObserver() {},
                                "out")
                        .completion()
                        .get(LIMIT_SECONDS, TimeUnit.SECONDS);

                assertEquals("failed", out.outcome());
                assertTrue(lent.running(), out.reason());
                assertNotEquals(0, destination.awaitExit());
            }
        }
    }

    private CompletableFuture<IncomingReport> receive(QemuProcess source, IncomingGuest into, int channels)
            throws Exception {
        String uri = "unix:" + folder.resolve("in");
        IncomingMigration incoming = IncomingMigration.start(
                into,
                Connections.listen(Address.parse(uri)),
                IncomingConfig.DEFAULT.withChannels(channels),
                new MigrationObserver() {},
                "in");
        source.startMigration(uri);
        return incoming.completion();
    }

    /** A place for a guest that is expected under a UUID. */
    private record Renamed(IncomingGuest guest, UUID uuid) implements IncomingGuest {
        @Override
        public GuestMemory accept(String machine, List<BlockEntry> blocks) {
            return guest.accept(machine, blocks);
        }

        @Override
        public boolean fresh() {
            return guest.fresh();
        }

        @Override
        public void load(DeviceTail devices) {
            guest.load(devices);
        }

        @Override
        public void start() {
            guest.start();
        }
    }

    private static QemuGuest withUuid(QemuGuest guest) {
        return withUuid(guest, OURS);
    }

    private static QemuGuest withUuid(QemuGuest guest, UUID uuid) {
        List<String> arguments = new ArrayList<>(guest.arguments());
        arguments.addAll(List.of("-uuid", uuid.toString()));
        return new QemuGuest(guest.ramBytes(), arguments);
    }

    private static void assertSameRam(PassiveGuest ours, Path theirs) throws Exception {
        List<RamBlock> blocks = ours.memory().blocks();
        RamBlock ram = blocks.stream()
                .filter(b -> b.name().equals("pc.ram"))
                .findFirst()
                .orElseThrow();
        try (Arena arena = Arena.ofConfined();
                FileChannel file = FileChannel.open(theirs)) {
            MemorySegment mapped = file.map(FileChannel.MapMode.READ_ONLY, 0, file.size(), arena);
            assertTrue(ram.segment().mismatch(mapped) == -1, "RAM differs from " + theirs);
        }
    }
}
