package org.transhume.engine.embedding;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.transhume.engine.MigrationObserver;
import org.transhume.engine.MigrationState;
import org.transhume.engine.NothingLeft;
import org.transhume.engine.guest.Service;
import org.transhume.engine.guest.ServiceGuest;
import org.transhume.engine.incoming.IncomingMigration;
import org.transhume.engine.outgoing.OutgoingMigration;
import org.transhume.engine.outgoing.OutgoingReport;
import org.transhume.example.Vault;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.PageSize;
import org.transhume.memory.RamBlock;

/** What a program that embeds the engine writes. */
@Timeout(60)
class EmbedsTest {
    private static final long SIZE = 64 << 20;
    private static final int LIMIT_SECONDS = 20;

    @RegisterExtension
    final NothingLeft nothingLeft = new NothingLeft();

    @TempDir
    Path folder;

    /** Counts in all of its memory, page after page, until it is stopped; once it has arrived it stands still. */
    private static final class Counting implements Service {
        private final GuestMemory memory;
        private final List<String> calls = new ArrayList<>();
        private Thread writer;
        private volatile boolean stop;
        private long count;

        Counting(GuestMemory memory) {
            this.memory = memory;
        }

        @Override
        public void start() {
            calls.add("start");
            stop = calls.contains("load");
            writer = Thread.ofPlatform().start(() -> {
                while (!stop) {
                    long at = count % (SIZE / PageSize.BYTES) * PageSize.BYTES;
                    memory.blocks().getFirst().segment().set(ValueLayout.JAVA_LONG, at, ++count);
                }
            });
        }

        @Override
        public void stop() {
            calls.add("stop");
            stop = true;
            try {
                writer.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        @Override
        public void save(OutputStream out) throws IOException {
            calls.add("save");
            new DataOutputStream(out).writeLong(count);
        }

        @Override
        public void load(InputStream in) throws IOException {
            calls.add("load");
            count = new DataInputStream(in).readLong();
        }
    }

    private static GuestMemory memory() {
        return new GuestMemory(List.of(RamBlock.memfd("state", SIZE)));
    }

    private String uri() {
        return "unix:" + folder.resolve("way");
    }

    @Test
    void aServiceGoesOnInAnotherPlaceWithItsMemoryAndItsCount() throws Exception {
        GuestMemory here = memory();
        GuestMemory there = memory();
        Counting leaves = new Counting(here);
        Counting arrives = new Counting(there);
        List<String> states = new ArrayList<>();
        try (ServiceGuest source = new ServiceGuest("counter", here, leaves);
                ServiceGuest destination = new ServiceGuest("counter", there, arrives)) {
            source.resume();
            IncomingMigration incoming = Migration.incoming(destination)
                    .at(uri())
                    .with(config -> config.withChannels(2))
                    .betweenTranshumes()
                    .start();
            OutgoingMigration outgoing = Migration.outgoing(source)
                    .to(uri())
                    .with(config -> config.channels(2).downtimeLimit(Duration.ofMillis(500)))
                    .betweenTranshumes()
                    .observedBy(new MigrationObserver() {
                        @Override
                        public void state(MigrationState state) {
                            states.add(state.getClass().getSimpleName());
                        }
                    })
                    .named("counter")
                    .start();
            OutgoingReport report = outgoing.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);
            incoming.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);

            assertEquals("completed", report.outcome(), report.reason());
            assertFalse(source.running());
            assertTrue(destination.running());
            destination.pause();
            assertEquals(List.of("start", "stop", "save"), leaves.calls);
            assertEquals(List.of("load", "start", "stop"), arrives.calls);
            assertTrue(arrives.count > 0);
            assertEquals(leaves.count, arrives.count);
            assertEquals(
                    -1,
                    here.blocks()
                            .getFirst()
                            .segment()
                            .mismatch(there.blocks().getFirst().segment()));
            assertEquals(List.of("Setup", "Active", "Device", "Completed"), states);
        }
    }

    /** Whoever is told something may wait for another thread that asks or orders something: no lock is held meanwhile. */
    @Test
    void whoIsToldCanHaveOthersAskAndOrderMeanwhile() throws Exception {
        GuestMemory here = memory();
        GuestMemory there = memory();
        try (ServiceGuest source = new ServiceGuest("one", here, new Counting(here));
                ServiceGuest destination = new ServiceGuest("one", there, new Counting(there))) {
            source.resume();
            CompletableFuture<IncomingMigration> arriving = new CompletableFuture<>();
            CompletableFuture<OutgoingMigration> leaving = new CompletableFuture<>();
            arriving.complete(Migration.incoming(destination)
                    .at(uri())
                    .observedBy(told(() -> {
                        IncomingMigration migration = arriving.join();
                        migration.state();
                        migration.counters();
                    }))
                    .start());
            leaving.complete(Migration.outgoing(source)
                    .to(uri())
                    .observedBy(told(() -> {
                        OutgoingMigration migration = leaving.join();
                        migration.progress();
                        migration.counters();
                        migration.maxBandwidth(0);
                        migration.downtimeLimit(Duration.ofMillis(400));
                        source.running();
                    }))
                    .start());
            CompletableFuture<String> then = leaving.join().completion().thenApply(report -> {
                elsewhere(() -> leaving.join().cancel());
                return report.outcome();
            });

            assertEquals("completed", then.get(LIMIT_SECONDS, TimeUnit.SECONDS));
            arriving.join().completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);
            assertTrue(destination.running());
        }
    }

    private static MigrationObserver told(Runnable asks) {
        return new MigrationObserver() {
            @Override
            public void state(MigrationState state) {
                elsewhere(asks);
            }

            @Override
            public void pass(int number) {
                elsewhere(asks);
            }
        };
    }

    private static void elsewhere(Runnable work) {
        CompletableFuture.runAsync(work, command -> Thread.ofPlatform().start(command))
                .orTimeout(LIMIT_SECONDS, TimeUnit.SECONDS)
                .join();
    }

    @Test
    void aServiceOfAnotherNameStaysWhereItIs() throws Exception {
        GuestMemory here = memory();
        GuestMemory there = memory();
        try (ServiceGuest source = new ServiceGuest("one", here, new Counting(here));
                ServiceGuest destination = new ServiceGuest("other", there, new Counting(there))) {
            source.resume();
            IncomingMigration incoming =
                    Migration.incoming(destination).at(uri()).start();
            OutgoingReport report =
                    Migration.outgoing(source).to(uri()).start().completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);

            assertEquals("failed", report.outcome());
            assertTrue(source.running());
            String reason =
                    incoming.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS).reason();
            assertTrue(reason.contains("'transhume-service-one' came"), reason);
            assertFalse(destination.running());
        }
    }

    @Test
    void whatIsMissingOrWrongIsSaidBeforeAnythingBegins() throws Exception {
        try (GuestMemory memory = memory();
                ServiceGuest guest = new ServiceGuest("one", memory, new Counting(memory))) {
            assertThrows(
                    IllegalStateException.class, () -> Migration.outgoing(guest).start());
            assertThrows(
                    IllegalStateException.class, () -> Migration.incoming(guest).start());
            assertThrows(
                    IllegalArgumentException.class,
                    () -> Migration.outgoing(guest).to("smoke:signals"));
            assertThrows(
                    IllegalArgumentException.class,
                    () -> Migration.outgoing(guest)
                            .to(uri())
                            .with(config -> config.returnPath(false).switchoverAck(true))
                            .start());
        }
    }

    @Test
    void theExampleOfTheReadmeIsThisOneAndMovesItsGibibyte() throws Exception {
        Path root = Path.of("").toAbsolutePath().getParent();
        String source = Files.readString(root.resolve("engine/src/test/java/org/transhume/example/Vault.java"));
        String example = source.substring(source.indexOf("import")).stripTrailing();

        assertTrue(Files.readString(root.resolve("README.md")).contains("```java\n" + example + "\n```"), example);
        assertTrue(example.lines().count() <= 30, example.lines().count() + " lines");
        CompletableFuture<Void> taken = CompletableFuture.runAsync(() -> run("take"));
        awaitSocket();
        run("give");
        taken.get(LIMIT_SECONDS, TimeUnit.SECONDS);
    }

    private void awaitSocket() throws InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
        while (Files.notExists(folder.resolve("way"))) {
            assertTrue(System.nanoTime() < deadline, "nobody listens");
            TimeUnit.MILLISECONDS.sleep(1);
        }
    }

    private void run(String role) {
        try {
            Vault.main(new String[] {role, uri()});
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }
}
