package org.transhume.control.interop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.transhume.channels.Address;
import org.transhume.channels.Connections;
import org.transhume.channels.qemu.DeviceTail;
import org.transhume.channels.qemu.MultifdMethod;
import org.transhume.engine.Guest;
import org.transhume.engine.MigrationObserver;
import org.transhume.engine.MigrationState;
import org.transhume.engine.guest.PassiveGuest;
import org.transhume.engine.incoming.IncomingConfig;
import org.transhume.engine.incoming.IncomingMigration;
import org.transhume.engine.incoming.IncomingReport;
import org.transhume.engine.outgoing.Compression;
import org.transhume.engine.outgoing.Dialer;
import org.transhume.engine.outgoing.OutgoingConfig;
import org.transhume.engine.outgoing.OutgoingMigration;
import org.transhume.engine.outgoing.OutgoingReport;
import org.transhume.engine.outgoing.PageCompression;
import org.transhume.memory.DirtySource;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.PageSize;
import org.transhume.memory.RamBlock;
import org.transhume.memory.WriterMarks;
import tools.jackson.databind.JsonNode;

/** Pages that are written again and again while their guest is on its way from a QEMU to us, and from us to a QEMU. */
@Timeout(120)
class QemuRewritesIT {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final String RAM = "pc.ram";
    /** Far from all that the guest itself touches. */
    private static final long UNUSED = 16 << 20;
    /** Deltas that must have been sent before a migration may end. */
    private static final int DELTAS = 500;

    private static final int PASSES = 8;
    private static final int PAGES = 128;

    @TempDir
    Path folder;

    @ParameterizedTest
    @EnumSource
    void deltasOfAQemuLeadToItsRam(QemuVersion version) throws Exception {
        receiveRewritten(version, "xbzrle", "");
    }

    @ParameterizedTest
    @CsvSource({
        "V7_2,  compress,        compress-level=9 compress-wait-thread=off",
        "V7_2,  compress xbzrle, compress-threads=2",
        "V10_0, multifd,         multifd-compression=zlib multifd-zlib-level=1",
        "V10_0, multifd,         multifd-compression=zlib multifd-zlib-level=9",
        "V10_0, multifd,         multifd-compression=zstd multifd-zstd-level=1",
        "V10_0, multifd,         multifd-compression=zstd multifd-zstd-level=9",
        "V7_2,  multifd,         multifd-compression=zlib multifd-zlib-level=1",
        "V7_2,  multifd,         multifd-compression=zlib multifd-zlib-level=9",
        "V7_2,  multifd,         multifd-compression=zstd multifd-zstd-level=1",
        "V7_2,  multifd,         multifd-compression=zstd multifd-zstd-level=9",
    })
    void pagesThatAQemuSendsPackedAgainAndAgainLeadToItsRam(QemuVersion version, String capabilities, String parameters)
            throws Exception {
        receiveRewritten(version, capabilities, parameters);
    }

    private void receiveRewritten(QemuVersion version, String capabilities, String parameters) throws Exception {
        Set<String> enabled = new TreeSet<>(List.of(capabilities.split(" ", -1)));
        QemuGuest guest = Qtest.reachable(QemuGuest.dirtying(folder), folder.resolve("qtest"));
        try (PassiveGuest received = new PassiveGuest();
                QemuProcess source = QemuProcess.running(version, guest, folder.resolve("source"));
                Qtest writer = Qtest.connect(folder.resolve("qtest"))) {
            source.awaitDirtying();
            if (version.losesPagesOfARunningGuest()) {
                source.stop();
            }
            source.enable(enabled);
            // Else it could end between two writes of ours.
            source.enable(Set.of("pause-before-switchover"));
            // So slow that all pages are written again before they have gone out once more.
            source.set(parameters + " max-bandwidth=1048576 downtime-limit=1");
            IncomingConfig config = IncomingConfig.DEFAULT
                    .withChannels(enabled.contains("multifd") ? 2 : 0)
                    .withMethod(method(parameters));
            IncomingMigration incoming = listen(received, config);

            source.startMigration("unix:" + folder.resolve("receive"));
            Random random = new Random(1);
            Await.until("pages sent again", LIMIT, () -> {
                for (int page = 0; page < PAGES; page++) {
                    byte[] few = new byte[64];
                    random.nextBytes(few);
                    writer.write(UNUSED + (long) page * PageSize.BYTES + random.nextInt(4000), few);
                }
                JsonNode info = source.migration();
                if (enabled.contains("xbzrle")
                        ? info.path("xbzrle-cache").path("pages").asInt() >= PAGES
                        : info.path("ram").path("dirty-sync-count").asInt() >= 3) {
                    source.set("downtime-limit=2000 max-bandwidth=1073741824");
                }
                return info.path("status").asString().equals("pre-switchover");
            });
            source.execute("migrate-continue", "{'state': 'pre-switchover'}");
            source.awaitMigrated();
            IncomingReport in = incoming.completion().get(LIMIT.toSeconds(), TimeUnit.SECONDS);

            assertEquals("completed", in.outcome(), in.reason());
            assertSameRam(received.memory(), source.ram());
            JsonNode info = source.migration();
            assertTrue(info.path("ram").path("dirty-sync-count").asInt() >= 2, info::toString);
            if (enabled.contains("xbzrle")) {
                JsonNode cache = info.path("xbzrle-cache");
                assertTrue(in.deltaPages() >= PAGES / 2, () -> in + ", " + info);
                assertTrue(in.deltaPages() <= cache.path("pages").asLong(), () -> in + ", " + info);
            }
            assertEquals(enabled.contains("compress"), in.compressedPages() > 0, in::toString);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "V10_0,                  xbzrle, none",
        "V10_0_WITH_MACHINE_7_2, xbzrle, none",
        "V7_2,                   xbzrle, none",
        "V7_2,                   compress xbzrle, none",
        "V7_2,                   compress, none",
        "V10_0,                  multifd, zlib 1",
        "V10_0,                  multifd, zlib 9",
        "V10_0,                  multifd, zstd 1",
        "V10_0,                  multifd, zstd 9",
        "V7_2,                   multifd, zlib 1",
        "V7_2,                   multifd, zlib 9",
        "V7_2,                   multifd, zstd 1",
        "V7_2,                   multifd, zstd 9",
    })
    void pagesThatWeSendAgainAndAgainLeadToOurRam(QemuVersion version, String capabilities, String compression)
            throws Exception {
        Set<String> enabled = new TreeSet<>(List.of(capabilities.split(" ", -1)));
        String[] methodAndLevel = compression.split(" ", -1);
        QemuGuest guest = QemuGuest.dirtying(folder);
        try (PassiveGuest received = new PassiveGuest();
                QemuProcess destination = QemuProcess.incomingPaused(version, guest, folder.resolve("destination"))) {
            receiveFrom(version, guest, received);
            destination.enable(enabled);
            destination.set(enabled.contains("multifd") ? "multifd-compression=" + methodAndLevel[0] : "");
            String uri = destination.listen("unix:" + folder.resolve("send"));
            try (Rewritten rewritten = new Rewritten(received)) {
                CompletableFuture<OutgoingMigration> started = new CompletableFuture<>();
                MigrationObserver observer = new MigrationObserver() {
                    @Override
                    public void pass(int number) {
                        if (number < PASSES) {
                            rewritten.rewrite();
                        } else if (number == PASSES) {
                            started.join().downtimeLimit(Duration.ofSeconds(10));
                        }
                    }

                    @Override
                    public void state(MigrationState state) {
                        if (state instanceof MigrationState.Device) {
                            rewritten.rewrite(); // for the last pages
                        }
                    }
                };
                OutgoingMigration outgoing = OutgoingMigration.start(
                        rewritten, Dialer.to(Address.parse(uri)), config(enabled, methodAndLevel), observer, "out");
                started.complete(outgoing);
                OutgoingReport out = outgoing.completion().get(LIMIT.toSeconds(), TimeUnit.SECONDS);

                assertEquals("completed", out.outcome(), out.reason());
                destination.awaitMigrated();
                assertSameRam(received.memory(), destination.ram());
                if (enabled.contains("xbzrle")) {
                    long deltas = out.delta().pages()
                            - out.delta().overflows()
                            - out.delta().unchanged();
                    assertTrue(deltas >= DELTAS, out::toString);
                    assertTrue(out.delta().overflows() > 0, out::toString);
                }
                if (enabled.contains("compress")) {
                    assertTrue(out.pageCompression().pages() > 0, out::toString);
                }
                if (enabled.contains("multifd")) {
                    assertTrue(out.multifdBytes() < out.normalPages() * PageSize.BYTES, out::toString);
                }
            }
            destination.cont();
            destination.awaitDirtying();
        }
    }

    private static OutgoingConfig config(Set<String> enabled, String[] methodAndLevel) {
        return OutgoingConfig.builder()
                .channels(enabled.contains("multifd") ? 2 : 0)
                .compression(
                        switch (methodAndLevel[0]) {
                            case "zlib" -> new Compression.Zlib(Integer.parseInt(methodAndLevel[1]));
                            case "zstd" -> new Compression.Zstd(Integer.parseInt(methodAndLevel[1]));
                            default -> new Compression.None();
                        })
                .deltaCache(enabled.contains("xbzrle") ? 1 << 20 : 0)
                .pageCompression(enabled.contains("compress") ? new PageCompression(1, 2, true) : null)
                .downtimeLimit(Duration.ZERO)
                .build();
    }

    private static MultifdMethod method(String parameters) {
        return parameters.contains("zlib")
                ? MultifdMethod.ZLIB
                : parameters.contains("zstd") ? MultifdMethod.ZSTD : MultifdMethod.NONE;
    }

    private IncomingMigration listen(PassiveGuest into, IncomingConfig config) throws Exception {
        return IncomingMigration.start(
                into,
                Connections.listen(Address.parse("unix:" + folder.resolve("receive"))),
                config,
                new MigrationObserver() {},
                "in");
    }

    /** A guest that ran in a QEMU a moment ago. */
    private void receiveFrom(QemuVersion version, QemuGuest guest, PassiveGuest into) throws Exception {
        try (QemuProcess source = QemuProcess.running(version, guest, folder.resolve("source"))) {
            source.awaitDirtying();
            source.stop();
            source.enable(Set.of());
            IncomingMigration incoming = listen(into, IncomingConfig.DEFAULT);
            source.migrate("unix:" + folder.resolve("receive"));
            IncomingReport in = incoming.completion().get(LIMIT.toSeconds(), TimeUnit.SECONDS);
            assertEquals("completed", in.outcome(), in.reason());
        }
    }

    private static void assertSameRam(GuestMemory ours, Path theirs) throws Exception {
        MemorySegment block = ours.blocks().get(index(ours)).segment();
        try (Arena arena = Arena.ofConfined();
                FileChannel file = FileChannel.open(theirs)) {
            MemorySegment ram = file.map(FileChannel.MapMode.READ_ONLY, 0, file.size(), arena);
            assertEquals(-1, block.mismatch(ram), "first byte that differs");
        }
    }

    private static int index(GuestMemory memory) {
        return memory.blocks().stream().map(RamBlock::name).toList().indexOf(RAM);
    }

    /** A guest at rest whose memory is written all the same, and says so. */
    private static final class Rewritten implements Guest, AutoCloseable {
        private final PassiveGuest guest;
        private final WriterMarks marks;
        private final int block;
        private final MemorySegment ram;
        private final Random random = new Random(1);

        Rewritten(PassiveGuest guest) {
            this.guest = guest;
            this.marks = new WriterMarks(guest.memory());
            this.block = index(guest.memory());
            this.ram = guest.memory().blocks().get(block).segment();
        }

        /** Of each eight pages one is written all over, one is cleared or set, and of the others a few bytes change. */
        void rewrite() {
            for (int i = 0; i < PAGES; i++) {
                MemorySegment page = ram.asSlice(UNUSED + (long) i * PageSize.BYTES, PageSize.BYTES);
                switch (i % 8) {
                    case 0 -> {
                        byte[] noise = new byte[PageSize.BYTES];
                        random.nextBytes(noise);
                        page.copyFrom(MemorySegment.ofArray(noise));
                    }
                    case 1 -> page.fill((byte) random.nextInt(2));
                    default -> {
                        for (int b = 0; b < 8; b++) {
                            page.set(ValueLayout.JAVA_BYTE, random.nextInt(PageSize.BYTES), (byte) random.nextInt());
                        }
                    }
                }
                marks.mark(block, UNUSED / PageSize.BYTES + i);
            }
        }

        @Override
        public String machine() {
            return guest.machine();
        }

        @Override
        public GuestMemory memory() {
            return guest.memory();
        }

        @Override
        public DirtySource dirtySource() {
            return marks;
        }

        @Override
        public boolean running() {
            return false;
        }

        @Override
        public void pause() {}

        @Override
        public void resume() {}

        @Override
        public void throttle(int percent) {}

        @Override
        public DeviceTail saveDevices() {
            return guest.saveDevices();
        }

        @Override
        public int ramSectionId() {
            return guest.ramSectionId();
        }

        @Override
        public void close() {
            marks.close();
        }
    }
}
