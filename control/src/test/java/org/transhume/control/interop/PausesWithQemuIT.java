package org.transhume.control.interop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.AnnotatedElementContext;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.io.TempDirFactory;
import org.transhume.channels.Address;
import org.transhume.channels.Connections;
import org.transhume.engine.MigrationObserver;
import org.transhume.engine.guest.PassiveGuest;
import org.transhume.engine.incoming.IncomingConfig;
import org.transhume.engine.incoming.IncomingMigration;
import org.transhume.engine.incoming.IncomingReport;
import org.transhume.engine.outgoing.Dialer;
import org.transhume.engine.outgoing.OutgoingConfig;
import org.transhume.engine.outgoing.OutgoingMigration;
import org.transhume.engine.outgoing.OutgoingReport;
import org.transhume.memory.RamBlock;

/** Whether the pause keeps its limit when a QEMU takes the guest, and how well it was foretold. */
@Timeout(180)
class PausesWithQemuIT {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final long RAM = 256 << 20;
    private static final int PAGES = 32 << 10;
    private static final int RUNS = 5;
    /** A host that has to find memory in the middle of a pause has found it the next time. */
    private static final int TURNS = 3;

    /** In memory: a QEMU writes a RAM file to its disk before it says that it has loaded the guest. */
    static final class InMemory implements TempDirFactory {
        @Override
        public Path createTempDirectory(AnnotatedElementContext element, ExtensionContext context) throws Exception {
            return Files.createTempDirectory(Path.of("/dev/shm"), "transhume");
        }
    }

    @TempDir(factory = InMemory.class)
    Path folder;

    private int moves;
    private int runs;
    private int kept;
    private int told;

    @Test
    void theLimitIsKeptInAllButOne() throws Exception {
        QemuGuest kind = new QemuGuest(RAM, QemuGuest.dirtying(folder).arguments());
        for (QemuVersion version : List.of(QemuVersion.V10_0, QemuVersion.V7_2)) {
            try (PassiveGuest received = new PassiveGuest()) {
                receive(version, kind, received);
                Random random = new Random(7);
                for (int i = 0; i < RUNS; i++) {
                    int limit = 100 + 100 * random.nextInt(3);
                    int channels = 2 * random.nextInt(2);
                    long cap = random.nextBoolean() ? 0 : 300_000_000;
                    int perTick = 1 + random.nextInt(8);
                    boolean inTime = false;
                    for (int turn = 0; turn < TURNS && !inTime; turn++) {
                        try (LentGuest guest = new LentGuest(received, PAGES, perTick)) {
                            fill(guest.ram().segment());
                            guest.resume();
                            inTime = move(version, kind, guest, limit, channels, cap);
                        }
                    }
                    runs++;
                    kept += inTime ? 1 : 0;
                }
            }
        }
        System.out.printf(
                "to QEMU: limit kept in %d of %d, foretold within 15 %% or 5 ms: %d of %d%n", kept, runs, told, moves);
        assertTrue(kept >= runs - 1, "kept in %d of %d".formatted(kept, runs));
    }

    private void receive(QemuVersion version, QemuGuest kind, PassiveGuest into) throws Exception {
        try (QemuProcess source = QemuProcess.running(version, kind, folder.resolve("source" + version))) {
            source.awaitDirtying();
            source.stop();
            source.enable(Set.of());
            IncomingMigration incoming = IncomingMigration.start(
                    into,
                    Connections.listen(Address.parse("unix:" + folder.resolve("receive"))),
                    IncomingConfig.DEFAULT,
                    new MigrationObserver() {},
                    "in");
            source.migrate("unix:" + folder.resolve("receive"));
            IncomingReport in = incoming.completion().get(LIMIT.toSeconds(), TimeUnit.SECONDS);
            assertEquals("completed", in.outcome(), in.reason());
        }
    }

    /** What the guest itself does not look at. */
    private static void fill(MemorySegment ram) {
        byte[] noise = new byte[1 << 20];
        new Random(1).nextBytes(noise);
        for (long at = 16 << 20; at < ram.byteSize(); at += noise.length) {
            MemorySegment.copy(MemorySegment.ofArray(noise), 0, ram, at, noise.length);
        }
    }

    /**
     * Where this machine is itself a guest, memory that it has not touched for a while may have to be found by its host first: a
     * pause of 100 ms then took 600. What was just given back is there.
     */
    private static void warmHost() {
        try (RamBlock memory = RamBlock.anonymous("warm", 2 * RAM)) {
            memory.segment().fill((byte) 1);
        }
    }

    /** Whether the pause kept its limit. */
    private boolean move(QemuVersion version, QemuGuest kind, LentGuest guest, int limit, int channels, long cap)
            throws Exception {
        warmHost();
        try (QemuProcess destination = QemuProcess.incomingPaused(version, kind, folder.resolve("to" + moves++))) {
            destination.enable(channels > 0 ? Set.of("multifd") : Set.of());
            OutgoingConfig config = OutgoingConfig.builder()
                    .channels(channels)
                    .returnPath(true)
                    .maxBandwidth(cap)
                    .downtimeLimit(Duration.ofMillis(limit))
                    .build();
            OutgoingReport report = OutgoingMigration.start(
                            guest,
                            Dialer.to(Address.parse(destination.listen("tcp:127.0.0.1:0"))),
                            config,
                            new MigrationObserver() {},
                            "out")
                    .completion()
                    .get(LIMIT.toSeconds(), TimeUnit.SECONDS);
            assertEquals("completed", report.outcome(), report.reason());
            OutgoingReport.Downtime pause = report.downtime();
            told += Math.abs(pause.predicted() - pause.total()) <= Math.max(5, 0.15 * pause.total()) ? 1 : 0;
            System.out.printf(
                    "to QEMU %s, %d channels, cap %d MB/s: limit %d ms, %s%n",
                    version, channels, cap / 1_000_000, limit, pause);
            return pause.total() <= limit;
        }
    }
}
