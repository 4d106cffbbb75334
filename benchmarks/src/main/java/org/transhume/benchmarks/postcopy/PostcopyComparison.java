package org.transhume.benchmarks.postcopy;

import java.io.BufferedReader;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.transhume.benchmarks.peer.HostMemory;
import org.transhume.benchmarks.qemu.Firmware;
import org.transhume.benchmarks.qemu.Qemu;
import org.transhume.control.command.SizeConverter;
import org.transhume.control.qmp.QmpAddress;
import org.transhume.control.qmp.QmpClient;
import org.transhume.control.qmp.QmpError;
import picocli.CommandLine;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * {@code bin/transhume bench postcopy}: precopy and postcopy of the same guest between fresh processes, in turn, and between two
 * QEMUs if there is one: how long the guest stands, how long it takes from the fault on a page until it is there while all others
 * come as fast as they can, for how long the thread stands that touched it, and how fast the others come.
 */
@CommandLine.Command(
        name = "postcopy",
        description = "Postcopy held against precopy between fresh processes, and both against a QEMU's (QEMU10).",
        mixinStandardHelpOptions = true)
public final class PostcopyComparison implements Callable<Integer> {
    private static final JsonMapper JSON = new JsonMapper();
    private static final long GIB = 1L << 30;
    private static final Duration LIMIT = Duration.ofMinutes(5);
    /** Pages a second that are read while they are missing. */
    private static final int TOUCHES = 1000;

    /** Bytes a second until the switch, so that nearly all of it comes behind. */
    private static final long TRICKLE = 16 << 20;

    private static final String ROW = "%-10s %-9s %9s %9s %9s %11s %9s %8s %8s%n";

    @CommandLine.Option(names = "--rounds", paramLabel = "N", description = "Turns of each.", defaultValue = "3")
    private int rounds;

    @CommandLine.Option(
            names = "--ram",
            paramLabel = "SIZE",
            description = "RAM of the guest.",
            defaultValue = "2G",
            converter = SizeConverter.class)
    private long bytes;

    /** What one migration took; NaN where it has no such figure. */
    private record Run(
            double pause, double p50, double p99, double stands99, double mean, double asked, double gibPerSecond) {}

    @Override
    public Integer call() throws IOException {
        Optional<Qemu> qemu = Qemu.find();
        boolean compare = qemu.isPresent();
        System.out.printf(ROW, "", "", "pause ms", "p50 us", "p99 us", "thread p99", "mean us", "asked", "GiB/s");
        List<Run> pre = new ArrayList<>();
        List<Run> post = new ArrayList<>();
        List<Run> theirPre = new ArrayList<>();
        List<Run> theirPost = new ArrayList<>();
        for (int i = 0; i < rounds; i++) {
            keep(pre, "transhume", "precopy", ours(bytes, false));
            keep(post, "transhume", "postcopy", ours(bytes, true));
            if (compare) {
                keep(theirPre, "qemu", "precopy", theirs(qemu.get(), bytes, false));
                keep(theirPost, "qemu", "postcopy", theirs(qemu.get(), bytes, true));
            }
        }
        System.out.println("medians");
        print("transhume", "precopy", median(pre));
        print("transhume", "postcopy", median(post));
        if (compare) {
            print("qemu", "precopy", median(theirPre));
            print("qemu", "postcopy", median(theirPost));
        }
        System.out.printf(
                "background over precopy: %.2f%s%n",
                median(post).gibPerSecond / median(pre).gibPerSecond,
                compare
                        ? ", of qemu %.2f".formatted(median(theirPost).gibPerSecond / median(theirPre).gibPerSecond)
                        : "; no QEMU to compare with: set QEMU10");
        return 0;
    }

    private static void keep(List<Run> runs, String who, String how, Run run) {
        runs.add(run);
        print(who, how, run);
    }

    private static void print(String who, String how, Run run) {
        System.out.printf(
                ROW,
                who,
                how,
                text(run.pause),
                text(run.p50),
                text(run.p99),
                text(run.stands99),
                text(run.mean),
                text(run.asked),
                "%.2f".formatted(run.gibPerSecond));
    }

    private static String text(double value) {
        return Double.isNaN(value) ? "-" : "%.0f".formatted(value);
    }

    private static Run median(List<Run> runs) {
        return new Run(
                middle(runs.stream().mapToDouble(Run::pause).toArray()),
                middle(runs.stream().mapToDouble(Run::p50).toArray()),
                middle(runs.stream().mapToDouble(Run::p99).toArray()),
                middle(runs.stream().mapToDouble(Run::stands99).toArray()),
                middle(runs.stream().mapToDouble(Run::mean).toArray()),
                middle(runs.stream().mapToDouble(Run::asked).toArray()),
                middle(runs.stream().mapToDouble(Run::gibPerSecond).toArray()));
    }

    private static double middle(double[] values) {
        Arrays.sort(values);
        return values[values.length / 2];
    }

    private static Run ours(long bytes, boolean postcopy) throws IOException {
        HostMemory.warm(2 * bytes);
        Process destination = start("destination", Integer.toString(TOUCHES));
        try (BufferedReader there = destination.inputReader(StandardCharsets.UTF_8)) {
            String uri = there.readLine().split(" ", -1)[1];
            Process source = start(
                    "source", uri, Long.toString(bytes), "random-bytes:rate=2000", postcopy ? "postcopy" : "precopy");
            JsonNode sent =
                    JSON.readTree(source.inputReader(StandardCharsets.UTF_8).readLine());
            JsonNode touched = JSON.readTree(there.readLine());
            await(source);
            await(destination);
            boolean asked = touched.path("touched").asInt() > 0;
            return new Run(
                    postcopy ? sent.path("pause").asDouble() : Double.NaN,
                    asked ? touched.path("asked50").asDouble() : Double.NaN,
                    asked ? touched.path("asked99").asDouble() : Double.NaN,
                    asked ? touched.path("p99").asDouble() : Double.NaN,
                    asked ? touched.path("mean").asDouble() : Double.NaN,
                    touched.path("touched").asDouble(),
                    sent.path("bytes").asDouble() / GIB / sent.path("seconds").asDouble());
        } finally {
            destination.destroyForcibly();
        }
    }

    private static Process start(String... arguments) throws IOException {
        List<String> line = new ArrayList<>();
        line.add(ProcessHandle.current().info().command().orElse("java"));
        line.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
        line.addAll(List.of("-cp", System.getProperty("java.class.path"), PostcopyEnds.class.getName()));
        line.addAll(List.of(arguments));
        return new ProcessBuilder(line)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
    }

    private static void await(Process process) throws IOException {
        try {
            if (!process.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS) || process.exitValue() != 0) {
                throw new IOException("a migration failed");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    /**
     * Its RAM is random bytes in a file, its one vCPU writes to pages here and there, so that it waits for those that are missing.
     * It tells only for how long in all: the mean is that over the number of requests.
     */
    private static Run theirs(Qemu qemu, long bytes, boolean postcopy) throws IOException {
        HostMemory.warm(2 * bytes);
        Path folder = Files.createTempDirectory(Path.of("/dev/shm"), "transhume-bench");
        Process source = null;
        Process destination = null;
        try {
            Path firmware = folder.resolve("firmware");
            Files.write(firmware, Firmware.scattered());
            Path ram = folder.resolve("ram");
            noise(ram, bytes);
            String listen = "unix:" + folder.resolve("migration");
            source = qemu(qemu, folder, "source", bytes, firmware, ram, "-S");
            destination = qemu(qemu, folder, "destination", bytes, firmware, null, "-incoming", "defer");
            try (QmpClient here = connect(folder, "source");
                    QmpClient there = connect(folder, "destination")) {
                for (QmpClient side : List.of(here, there)) {
                    capabilities(side, "postcopy-ram", "postcopy-preempt", "postcopy-blocktime", "return-path");
                }
                here.execute(
                        "migrate-set-parameters",
                        object("max-bandwidth", postcopy ? TRICKLE : 0).put("downtime-limit", postcopy ? 0 : 2000));
                there.execute("migrate-incoming", object("uri", listen));
                if (postcopy) {
                    here.execute("cont");
                }
                here.execute("migrate", object("uri", listen));
                if (postcopy) {
                    awaitStatus(here, "active");
                    here.execute("migrate-start-postcopy");
                }
                JsonNode done = completed(here);
                JsonNode info = completed(there);
                double requests = done.path("ram").path("postcopy-requests").asDouble();
                double blocked = info.path("postcopy-vcpu-blocktime").path(0).asDouble();
                return new Run(
                        postcopy ? done.path("downtime").asDouble() : Double.NaN,
                        Double.NaN,
                        Double.NaN,
                        Double.NaN,
                        requests > 0 ? blocked * 1000 / requests : Double.NaN,
                        requests,
                        done.path("ram").path("transferred").asDouble()
                                / GIB
                                / ((done.path("total-time").asDouble()
                                                - done.path("setup-time").asDouble())
                                        / 1000));
            }
        } catch (QmpError e) {
            throw new IOException(e);
        } finally {
            for (Process process : Arrays.asList(source, destination)) {
                if (process != null) {
                    process.destroyForcibly().onExit().join();
                }
            }
            try (var files = Files.list(folder)) {
                for (Path file : files.toList()) {
                    Files.delete(file);
                }
            }
            Files.delete(folder);
        }
    }

    private static Process qemu(
            Qemu qemu, Path folder, String name, long bytes, Path firmware, Path ram, String... more)
            throws IOException {
        List<String> line = new ArrayList<>(qemu.command(bytes, firmware, folder.resolve(name + ".qmp")));
        line.addAll(List.of(
                "-object",
                (ram == null
                                ? "memory-backend-memfd,id=ram,size="
                                : "memory-backend-file,id=ram,mem-path=" + ram + ",size=")
                        + bytes + ",share=on",
                "-machine",
                "q35,accel=tcg,memory-backend=ram"));
        line.addAll(List.of(more));
        return new ProcessBuilder(line)
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve(name + ".log").toFile())
                .start();
    }

    private static QmpClient connect(Path folder, String name) throws IOException, QmpError {
        Path socket = folder.resolve(name + ".qmp");
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (Files.notExists(socket) && System.nanoTime() < deadline) {
            Thread.onSpinWait();
        }
        return QmpClient.connect(QmpAddress.parse("unix:" + socket), LIMIT);
    }

    private static void capabilities(QmpClient side, String... names) throws IOException, QmpError {
        ObjectNode arguments = JsonNodeFactory.instance.objectNode();
        for (String name : names) {
            arguments.withArray("capabilities").add(object("capability", name).put("state", true));
        }
        side.execute("migrate-set-capabilities", arguments);
    }

    private static JsonNode completed(QmpClient side) throws IOException, QmpError {
        return awaitStatus(side, "completed");
    }

    private static JsonNode awaitStatus(QmpClient side, String wanted) throws IOException, QmpError {
        while (true) {
            JsonNode info = side.execute("query-migrate");
            String status = info.path("status").asString("");
            if (status.equals(wanted)) {
                return info;
            }
            switch (status) {
                case "completed", "failed", "cancelled", "postcopy-paused" -> throw new IOException(info.toString());
                default -> {
                    try {
                        Thread.sleep(5);
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                        throw new IOException("interrupted", e);
                    }
                }
            }
        }
    }

    private static ObjectNode object(String name, String value) {
        return JsonNodeFactory.instance.objectNode().put(name, value);
    }

    private static ObjectNode object(String name, long value) {
        return JsonNodeFactory.instance.objectNode().put(name, value);
    }

    private static void noise(Path file, long bytes) throws IOException {
        byte[] piece = new byte[8 << 20];
        Random random = new Random(1);
        random.nextBytes(piece);
        try (var out = Files.newOutputStream(file)) {
            for (long done = 0; done < bytes; done += piece.length) {
                piece[(int) (done / piece.length % 4096)]++;
                out.write(piece);
            }
        }
    }
}
