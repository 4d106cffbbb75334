package org.transhume.control.interop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.transhume.control.qmp.QmpAddress;
import org.transhume.control.qmp.QmpClient;

/** Two hosts as processes, and {@code transhume domain} in the words of virsh. */
@Timeout(120)
class DomainIT {
    private static final Duration LIMIT = Duration.ofSeconds(20);

    @TempDir
    Path folder;

    @Test
    void migratesADomainWhoseFirstTryWasAbortedAndTellsItsFigures() throws Exception {
        try (TranshumeProcess source = guest("a", "--workload", "uniform:rate=2000,ws=16M", "--domain", "vm");
                TranshumeProcess destination = guest("b", "--incoming", "defer")) {
            awaitHost(source);
            awaitHost(destination);
            TranshumeProcess slow = domain("migrate", "--live", "--verbose", "--bandwidth", "2", "vm", host("b"));
            Await.until("progress", LIMIT, () -> slow.stderr().contains("Migration: ["));
            assertTrue(said("jobinfo", "vm").contains("Job type:         Unbounded"));
            said("abort", "vm");
            assertEquals(1, slow.awaitExit());
            assertEquals(
                    "transhume: the migration was cancelled",
                    slow.stderr().lines().toList().getLast());
            assertEquals("running", status("a"));

            TranshumeProcess live = domain("migrate", "--live", "--verbose", "--persistent", "vm", host("b"));
            live.awaitSuccess();

            assertTrue(live.stderr().contains("Migration: [100 %]"), live.stderr());
            assertEquals("running", status("b"));
            assertEquals("postmigrate", status("a"));
            assertTrue(said("jobinfo", "--completed", "vm").contains("Operation:        Outgoing migration"));
            assertEquals(
                    "Job type:         None",
                    said("jobinfo", "--completed", "vm").strip());
        }
    }

    @Test
    void aDestinationThatIsKilledLeavesTheGuestRunningAtItsSource() throws Exception {
        try (TranshumeProcess source = guest("a", "--workload", "uniform:rate=2000,ws=16M", "--domain", "vm")) {
            awaitHost(source);
            TranshumeProcess killed = guest("b", "--incoming", "defer");
            awaitHost(killed);
            TranshumeProcess slow =
                    domain("migrate", "--live", "--p2p", "--verbose", "--bandwidth", "2", "vm", host("b"));
            Await.until("progress", LIMIT, () -> slow.stderr().contains("Migration: ["));

            killed.close();

            assertEquals(1, slow.awaitExit());
            assertEquals("running", status("a"));
            try (TranshumeProcess other = guest("c", "--incoming", "defer")) {
                awaitHost(other);
                domain("migrate", "--live", "vm", host("c")).awaitSuccess();
                assertEquals("running", status("c"));
            }
        }
    }

    private String host(String name) {
        return "unix:" + folder.resolve(name + ".host");
    }

    private TranshumeProcess guest(String name, String... arguments) throws Exception {
        List<String> words = new ArrayList<>(List.of("guest", "--ram", "64M", "--host", host(name)));
        words.addAll(List.of("--qmp", "unix:" + folder.resolve(name + ".qmp")));
        words.addAll(List.of(arguments));
        return TranshumeProcess.start(folder, words);
    }

    /** Both of its sockets are there when it says so of the first. */
    private static void awaitHost(TranshumeProcess process) throws Exception {
        String _ = process.awaitReady();
    }

    private TranshumeProcess domain(String... arguments) throws Exception {
        List<String> words = new ArrayList<>(List.of("domain", "--connect", host("a")));
        words.addAll(List.of(arguments));
        return TranshumeProcess.start(folder, words);
    }

    private String said(String... arguments) throws Exception {
        TranshumeProcess process = domain(arguments);
        process.awaitSuccess();
        return process.stdout();
    }

    private String status(String name) throws Exception {
        try (QmpClient client = QmpClient.connect(QmpAddress.parse("unix:" + folder.resolve(name + ".qmp")), LIMIT)) {
            return client.execute("query-status").path("status").stringValue();
        }
    }
}
