package org.transhume.benchmarks.pauses;

import java.io.BufferedWriter;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.random.RandomGenerator;
import org.transhume.control.Transhume;
import picocli.CommandLine;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * {@code bin/transhume bench pauses [FILE]}: real migrations between fresh processes, one after the other: what was foretold of
 * each pause and what came of it. FILE takes what they cost, for the simulations to replay (docs/forecast.md).
 */
@CommandLine.Command(
        name = "pauses",
        description = "Real migrations between fresh processes: what was foretold of each pause, and what came of it.",
        mixinStandardHelpOptions = true)
public final class RealPauses implements Callable<Integer> {
    private static final long SEED = 20;
    private static final int[] LIMITS = {100, 200, 300};
    private static final String[] CAPS = {"0", "0", "300M", "1G"};
    private static final String[] CHANNELS = {"0", "2", "4"};

    @CommandLine.Option(names = "--runs", paramLabel = "N", description = "Migrations to look at.", defaultValue = "32")
    private int runs;

    @CommandLine.Option(names = "--ram", paramLabel = "SIZE", description = "RAM of the guest.", defaultValue = "1G")
    private String ram;

    @CommandLine.Option(
            names = "--rate",
            paramLabel = "PAGES",
            description = "Pages that a guest writes in a second, at the most.",
            defaultValue = "35000")
    private int fastest;

    @CommandLine.Parameters(
            arity = "0..1",
            paramLabel = "FILE",
            description = "Takes the costs of the runs without a cap, for the simulations to replay.")
    private Path traces;

    @Override
    public Integer call() throws IOException {
        RandomGenerator random = new Random(SEED);
        JsonMapper json = new JsonMapper();
        int kept = 0;
        int foretold = 0;
        System.out.printf("%8s %6s %9s %9s %9s  %s%n", "cap", "chans", "limit ms", "foretold", "actual", "kept");
        try (BufferedWriter out = traces == null ? null : Files.newBufferedWriter(traces)) {
            for (int i = 0; i < runs; i++) {
                int limit = LIMITS[random.nextInt(LIMITS.length)];
                String cap = CAPS[random.nextInt(CAPS.length)];
                String channels = CHANNELS[random.nextInt(CHANNELS.length)];
                int rate = (int) (fastest * (0.15 + 0.85 * random.nextDouble()));
                JsonNode report = json.readTree(demo(
                                "--ram",
                                ram,
                                "--channels",
                                channels,
                                "--max-bandwidth",
                                cap,
                                "--downtime-limit",
                                Integer.toString(limit),
                                "--workload",
                                "uniform:rate=" + rate))
                        .path("migration");
                JsonNode pause = report.path("downtime");
                double actual = pause.path("total").asDouble();
                double predicted = pause.path("predicted").asDouble();
                boolean within = actual <= limit;
                kept += within ? 1 : 0;
                foretold += Math.abs(actual - predicted) <= Math.max(5, 0.15 * actual) ? 1 : 0;
                System.out.printf(
                        "%8s %6s %9d %9.1f %9.1f  %s%n",
                        cap, channels, limit, predicted, actual, within ? "yes" : "NO");
                if (out != null && cap.equals("0")) {
                    out.write(trace(report));
                }
            }
        }
        System.out.printf("limit kept in %d of %d; foretold within 15 %% or 5 ms: %d%n", kept, runs, foretold);
        return 0;
    }

    private static String demo(String... options) throws IOException {
        List<String> line = new ArrayList<>();
        line.add(ProcessHandle.current().info().command().orElse("java"));
        line.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
        line.addAll(List.of("-cp", System.getProperty("java.class.path"), Transhume.class.getName(), "demo", "--json"));
        line.addAll(List.of(options));
        Process process = new ProcessBuilder(line)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        try {
            if (process.waitFor() != 0) {
                throw new IOException("a migration failed: " + output);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
        return output;
    }

    /** As the simulations read it. */
    private static String trace(JsonNode report) {
        JsonNode pause = report.path("downtime");
        List<Double> windows = new ArrayList<>();
        report.path("bandwidth").path("bytesPerSecond").forEach(window -> windows.add(window.asDouble()));
        double mean =
                windows.stream().mapToDouble(Double::doubleValue).average().orElse(1);
        StringBuilder line = new StringBuilder(String.format(
                Locale.ROOT,
                "%.3f,%.3f,%.3f,%.3f",
                pause.path("stop").asDouble(),
                pause.path("lastHarvest").asDouble(),
                pause.path("devices").asDouble(),
                pause.path("start").asDouble()));
        for (double window : windows) {
            line.append(String.format(Locale.ROOT, ",%.3f", window / mean));
        }
        return line.append('\n').toString();
    }
}
