package org.transhume.control.interop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.transhume.control.qmp.QmpAddress;
import org.transhume.control.qmp.QmpClient;

/** {@code bin/transhume guest} as a user types it, in a checkout of its own, with and without the archive of its classes. */
class ClassArchiveIT {
    private static final Duration LIMIT = Duration.ofMinutes(3);
    private static final int TURNS = 3;
    private static final String UNSHARED =
            "-XX:SharedArchiveFile=" + Path.of(System.getProperty("java.home"), "lib", "server", "classes.jsa");

    @TempDir
    private Path folder;

    private Path checkout;
    private Path archive;
    private Path stamp;

    @BeforeEach
    void copyWhatTheLauncherReads() throws IOException {
        Path original = TranshumeProcess.launcher().getParent().getParent();
        checkout = Files.createDirectory(folder.resolve("checkout"));
        Files.createDirectories(checkout.resolve("control/target"));
        for (String module : List.of("memory", "codec", "channels", "engine", "control")) {
            Files.createDirectories(checkout.resolve(module + "/src/main"));
            Files.createFile(checkout.resolve(module + "/pom.xml"));
        }
        Files.createDirectory(checkout.resolve("bin"));
        // The class path comes last: it is the stamp of a build, newer than all that was built.
        for (String file : List.of(
                "pom.xml",
                "bin/transhume",
                "bin/find-jdk",
                "bin/class-archive",
                "control/target/control.jar",
                "control/target/class-path")) {
            Files.copy(original.resolve(file), checkout.resolve(file));
            assertTrue(checkout.resolve(file).toFile().setExecutable(true));
        }
        archive = checkout.resolve("control/target/control.jsa");
        stamp = checkout.resolve("control/target/control.jsa.of");
    }

    /** @return milliseconds until the guest greeted */
    private long start(boolean mapped, String... options) throws Exception {
        Path socket = folder.resolve("qmp");
        Path stderr = folder.resolve("stderr");
        ProcessBuilder builder = new ProcessBuilder(
                checkout.resolve("bin/transhume").toString(), "guest", "--ram", "16M", "--qmp", "unix:" + socket);
        builder.redirectOutput(ProcessBuilder.Redirect.DISCARD).redirectError(stderr.toFile());
        builder.environment().remove("TRANSHUME_BUILD");
        builder.environment().put("TRANSHUME_OPTS", String.join(" ", options));
        long before = System.nanoTime();
        Process process = builder.start();
        try {
            Await.until("guest that greets", LIMIT, () -> greets(socket));
            long millis = (System.nanoTime() - before) / 1_000_000;
            assertEquals(mapped, maps(process), "the archive is " + (mapped ? "not mapped" : "mapped"));
            List<String> said = new ArrayList<>(Files.readAllLines(stderr));
            said.removeIf(line -> line.equals("WARNING: Using incubator modules: jdk.incubator.vector"));
            assertEquals(List.of(), said);
            return millis;
        } finally {
            process.destroyForcibly().waitFor();
            Files.deleteIfExists(socket);
        }
    }

    private static boolean greets(Path socket) throws Exception {
        if (Files.notExists(socket)) {
            return false;
        }
        try (QmpClient client = QmpClient.connect(QmpAddress.parse("unix:" + socket), LIMIT)) {
            return client.greeting().has("QMP");
        } catch (IOException e) {
            return false; // bound, but does not listen yet
        }
    }

    private boolean maps(Process process) throws IOException {
        return Files.readAllLines(Path.of("/proc/%d/maps".formatted(process.pid()))).stream()
                .anyMatch(line -> line.endsWith(archive.toString()));
    }

    private void awaitArchive() throws Exception {
        Await.until("archive", LIMIT, () -> Files.exists(stamp) && Files.exists(archive));
    }

    @Test
    void anArchiveIsMadeUsedAndMadeAgainWhereItIsBrokenWithoutAWord() throws Exception {
        start(false);
        awaitArchive();
        List<Long> with = new ArrayList<>();
        List<Long> without = new ArrayList<>();
        for (int turn = 0; turn < TURNS; turn++) {
            with.add(start(true));
            without.add(start(false, UNSHARED));
        }
        with.sort(null);
        without.sort(null);
        assertTrue(with.get(TURNS / 2) < without.get(TURNS / 2), with + " ms with it, " + without + " ms without");

        String of = Files.readString(stamp);
        try (FileChannel file = FileChannel.open(archive, StandardOpenOption.WRITE)) {
            file.truncate(file.size() / 2);
        }
        start(false);
        Await.until("new archive", LIMIT, () -> !Files.readString(stamp).equals(of));
        start(true);
    }
}
