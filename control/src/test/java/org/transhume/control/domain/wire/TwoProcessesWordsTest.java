package org.transhume.control.domain.wire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.transhume.control.domain.BeginReply;
import org.transhume.control.domain.Cookie;
import org.transhume.control.domain.HostConnection;
import org.transhume.control.domain.MigrationResult;
import org.transhume.control.domain.error.HostLostException;
import org.transhume.control.domain.error.JobConflictException;
import org.transhume.control.domain.error.NoSuchDomainException;
import org.transhume.control.domain.host.MigrationCoordinator;
import org.transhume.control.domain.host.TwoHosts;
import org.transhume.control.domain.spec.Bandwidth;
import org.transhume.control.domain.spec.ByteCount;
import org.transhume.control.domain.spec.CompressionMethod;
import org.transhume.control.domain.spec.MigrationSpec;
import org.transhume.control.domain.stats.JobStats;
import org.transhume.control.domain.stats.JobType;

/** Hosts that speak over connections, with each other and with strangers. */
@Timeout(60)
class TwoProcessesWordsTest {
    private static final MigrationSpec LIVE = MigrationSpec.builder().live().build();

    @TempDir
    Path folder;

    private DomainService serve(TwoHosts hosts, String which) throws Exception {
        return DomainService.open(
                "unix:" + folder.resolve(which), which.equals("source") ? hosts.source : hosts.destination);
    }

    private static HostConnection to(DomainService service) {
        return new RemoteHost(service.address().uri()).connect();
    }

    @Test
    void aClientMovesADomainBetweenTwoHostsItOnlySpeaksWith() throws Exception {
        try (TwoHosts hosts = new TwoHosts();
                DomainService source = serve(hosts, "source");
                DomainService destination = serve(hosts, "destination");
                HostConnection here = to(source)) {
            MigrationSpec spec = MigrationSpec.builder()
                    .live()
                    .parallel(2)
                    .compressed(CompressionMethod.ZLIB)
                    .bandwidth(new Bandwidth(500))
                    .maxDowntime(Duration.ofMillis(200))
                    .rename("moved")
                    .build();
            BeginReply begun = here.begin("vm", spec);

            var arrived = new MigrationCoordinator(here, () -> to(destination)).run(begun, spec);

            assertEquals("moved", arrived.orElseThrow().name());
            hosts.awaitAtSource("Iteration", "Suspended/MIGRATED", "Stopped/MIGRATED", "JobCompleted");
            hosts.awaitAtDestination("Started/MIGRATED", "Resumed/MIGRATED");
            assertTrue(hosts.arriving.runs());
            hosts.assertRamIsEqual();
            JobStats kept = here.completedStats("vm", true).orElseThrow();
            assertEquals(JobType.COMPLETED, kept.type());
            assertEquals(
                    kept.toTyped(),
                    here.completedStats("vm", false).orElseThrow().toTyped());
            assertEquals(Optional.empty(), here.completedStats("vm", false));
        }
    }

    @Test
    void asksForAndChangesWhatADomainHas() throws Exception {
        try (TwoHosts hosts = new TwoHosts();
                DomainService source = serve(hosts, "source");
                HostConnection here = to(source)) {
            here.maxDowntime("vm", Duration.ofMillis(77));
            here.maxSpeed("vm", false, new Bandwidth(5));
            here.maxSpeed("vm", true, new Bandwidth(6));
            here.compressionCache("vm", new ByteCount(1 << 20));

            assertEquals(Duration.ofMillis(77), here.maxDowntime("vm"));
            assertEquals(new Bandwidth(5), here.maxSpeed("vm", false));
            assertEquals(new Bandwidth(6), here.maxSpeed("vm", true));
            assertEquals(new ByteCount(1 << 20), here.compressionCache("vm"));
            assertEquals(Optional.empty(), here.jobStats("vm"));
            assertThrows(NoSuchDomainException.class, () -> here.jobStats("other"));
            assertThrows(IllegalStateException.class, () -> here.abort("vm", false));
            assertThrows(IllegalStateException.class, () -> here.startPostCopy("vm"));
            assertThrows(IllegalArgumentException.class, () -> here.maxDowntime("vm", Duration.ofHours(1)));
            assertThrows(IllegalArgumentException.class, () -> here.compressionCache("vm", new ByteCount(5000)));
        }
    }

    @Test
    void aHostDrivesItsOwnMigrationAndSomebodyElseCancelsIt() throws Exception {
        try (TwoHosts hosts = new TwoHosts("uniform:rate=100000,ws=1M");
                DomainService source = serve(hosts, "source");
                HostConnection here = to(source);
                HostConnection other = to(source)) {
            MigrationSpec slow =
                    MigrationSpec.builder().live().bandwidth(new Bandwidth(1)).build();
            CompletableFuture<MigrationResult> result =
                    CompletableFuture.supplyAsync(() -> here.migrateToUri("vm", "tcp:destination", slow));
            while (other.jobStats("vm")
                    .filter(s -> s.memory().processed() > 65536)
                    .isEmpty()) {
                assertFalse(result.isDone());
            }
            assertThrows(JobConflictException.class, () -> other.begin("vm", LIVE));

            other.abort("vm", false);

            assertInstanceOf(MigrationResult.Cancelled.class, result.get(20, TimeUnit.SECONDS));
            assertTrue(hosts.leaving.runs());
        }
    }

    @Test
    void aClientThatDiesLeavesTheGuestAtItsSourceAndNothingAtTheDestination() throws Exception {
        try (TwoHosts hosts = new TwoHosts();
                DomainService source = serve(hosts, "source");
                DomainService destination = serve(hosts, "destination")) {
            HostConnection here = to(source);
            HostConnection there = to(destination);
            BeginReply begun = here.begin("vm", LIVE);
            there.prepare(begun.job(), begun.definition(), LIVE, begun.cookie());

            here.close();
            there.close();

            hosts.awaitAtDestination("Started/MIGRATED", "Stopped/FAILED");
            assertTrue(hosts.leaving.runs());
            assertThrows(HostLostException.class, () -> there.finish(begun.job(), Cookie.EMPTY, false));
            try (HostConnection again = to(destination)) {
                assertTrue(
                        again.finish(begun.job(), Cookie.EMPTY, false).arrived().isEmpty());
            }
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{}",
                "{\"call\": 99}",
                "{\"call\": \"begin\"}",
                "{\"call\": 1, \"domain\": \"vm\"}",
                "{\"call\": 1, \"domain\": 7, \"spec\": {}}",
                "{\"call\": 1, \"domain\": \"vm\", \"spec\": {\"flags\": -1, \"parameters\": []}}",
                "{\"call\": 1, \"domain\": \"vm\", \"spec\": {\"flags\": 1, \"parameters\": [{\"key\": \"x\", \"value\": 1}]}}",
                "{\"call\": 3, \"job\": \"no uuid\", \"uri\": \"\", \"cookie\": []}",
                "{\"call\": 5, \"job\": \"00000000-0000-0000-0000-000000000000\", \"cookie\": [], \"verdict\": 9}",
                "{\"call\": 14, \"domain\": \"vm\", \"postcopy\": false, \"value\": -1}"
            })
    void whatMakesNoSenseIsRefusedAndTheConnectionGoesOn(String request) throws Exception {
        try (TwoHosts hosts = new TwoHosts();
                DomainService source = serve(hosts, "source");
                SocketChannel socket = stranger(source)) {
            DataOutputStream out = greeted(socket);
            DataInputStream in = new DataInputStream(Channels.newInputStream(socket));
            assertEquals(0x5452444D, in.readInt());
            assertEquals(0x10000, in.readInt());

            for (int i = 0; i < 2; i++) {
                send(out, request);
                String answer = new String(in.readNBytes(in.readInt()), StandardCharsets.UTF_8);
                assertTrue(answer.contains("\"error\""), answer);
            }
            assertTrue(hosts.leaving.runs());
        }
    }

    @Test
    void noiseEndsItsConnectionAndNoOther() throws Exception {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        try (TwoHosts hosts = new TwoHosts();
                DomainService source = serve(hosts, "source");
                HostConnection here = to(source)) {
            for (int i = 0; i < 100; i++) {
                try (SocketChannel socket = stranger(source)) {
                    DataOutputStream out =
                            i % 3 == 0 ? new DataOutputStream(Channels.newOutputStream(socket)) : greeted(socket);
                    if (i % 3 == 1) {
                        out.writeInt(random.nextInt()); // a frame of any length
                    }
                    byte[] noise = new byte[random.nextInt(1, 2000)];
                    random.nextBytes(noise);
                    out.write(noise);
                } catch (java.io.IOException e) {
                    assertFalse(e.getMessage().isEmpty(), "seed " + seed); // it hung up before all was said
                }
            }
            assertEquals(Optional.empty(), here.jobStats("vm"), "seed " + seed);
        }
    }

    private static SocketChannel stranger(DomainService service) throws Exception {
        SocketChannel socket = SocketChannel.open(StandardProtocolFamily.UNIX);
        socket.connect(UnixDomainSocketAddress.of(service.address().uri().substring("unix:".length())));
        return socket;
    }

    private static DataOutputStream greeted(SocketChannel socket) throws Exception {
        DataOutputStream out = new DataOutputStream(Channels.newOutputStream(socket));
        out.writeInt(0x5452444D);
        out.writeInt(0x10000);
        return out;
    }

    private static void send(DataOutputStream out, String text) throws Exception {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        out.writeInt(bytes.length);
        out.write(bytes);
        out.flush();
    }
}
