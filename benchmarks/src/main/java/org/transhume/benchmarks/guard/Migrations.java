package org.transhume.benchmarks.guard;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Migrations by a build, in fresh processes, through its command line: that is what an older build has, too. */
final class Migrations {
    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final int LIMIT_SECONDS = 300;

    private final List<String> command;

    private Migrations(List<String> flags, String classPath, String ram) {
        command = new ArrayList<>();
        command.add(RegressionGuard.java().toString());
        command.addAll(flags);
        command.addAll(List.of("-cp", classPath, "org.transhume.control.Transhume"));
        // Enough to write that there are some rounds, too little to decide how long it takes.
        command.addAll(List.of("demo", "--json", "--ram", ram, "--workload", "uniform:rate=1000,ws=" + ram));
    }

    static Migrations ofThisBuild(String ram) {
        return new Migrations(
                ManagementFactory.getRuntimeMXBean().getInputArguments(), System.getProperty("java.class.path"), ram);
    }

    static Migrations of(OlderBuild build, String ram) {
        return new Migrations(build.flags(), build.classPath(), ram);
    }

    /**
     * Moves a guest once.
     *
     * @return pages a second, counted over the whole migration
     * @throws IOException with the last line on stderr, if it failed, or RAM was not equal
     */
    double pagesPerSecond() throws IOException, InterruptedException {
        Path errors = Files.createTempFile("guard", ".err");
        try {
            Process process =
                    new ProcessBuilder(command).redirectError(errors.toFile()).start();
            try {
                String answer = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
                if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS) || process.exitValue() != 0) {
                    throw new IOException("%s: %s".formatted(String.join(" ", command), lastLine(errors)));
                }
                JsonNode report = JSON.readTree(answer);
                JsonNode migration = report.get("migration");
                if (!report.get("equal").asBoolean()) {
                    throw new IOException("RAM is not equal: " + String.join(" ", command));
                }
                return migration.get("normalPages").asLong()
                        / (migration.get("totalMillis").asDouble() / 1e3);
            } finally {
                process.descendants().forEach(ProcessHandle::destroyForcibly);
                process.destroyForcibly();
            }
        } finally {
            Files.delete(errors);
        }
    }

    private static String lastLine(Path errors) throws IOException {
        List<String> lines = Files.readAllLines(errors);
        return lines.isEmpty() ? "no word on stderr" : lines.getLast();
    }
}
