package org.transhume.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.jar.Attributes;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whoever waits for a page holds up nobody (design §5.4): a JVM in which somebody did would hang until it is killed. */
class PostcopyStormTest {
    private static final int LIMIT_SECONDS = 120;

    @TempDir
    Path directory;

    @Test
    void fiftyPostcopiesEndThoughTheJvmIsStoppedEveryFewMilliseconds() throws Exception {
        String told = run();
        Map<String, Long> counts = Arrays.stream(told.split(" "))
                .map(count -> count.split("="))
                .collect(Collectors.toMap(count -> count[0], count -> Long.parseLong(count[1])));

        System.out.println(told);
        assertEquals(50, counts.get("runs"), told);
        assertEquals(0, counts.get("wrong"), told);
        for (String happened : List.of("collections", "dumps", "redefinitions", "asked")) {
            assertTrue(counts.get(happened) > 50, told);
        }
    }

    private String run() throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(argument -> !argument.startsWith("-javaagent"))
                .forEach(command::add);
        command.addAll(List.of(
                "-javaagent:" + agent(),
                "-XX:+UseSerialGC", // a small heap is collected in a millisecond, so that there is time for others
                "-Xmx96m",
                "-cp",
                System.getProperty("java.class.path"),
                PostcopyStorm.class.getName()));
        Path output = directory.resolve("output");
        Path errors = directory.resolve("errors");
        Process child = new ProcessBuilder(command)
                .directory(directory.toFile())
                .redirectOutput(output.toFile())
                .redirectError(errors.toFile())
                .start();
        boolean ended = child.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS);
        if (!ended) {
            child.destroyForcibly().waitFor(); // a JVM in which nothing reaches a safepoint hears no other word
        }
        String complaints = Files.readString(errors);
        assertTrue(ended, () -> "it hangs: " + complaints);
        assertEquals(0, child.exitValue(), complaints);
        return Files.readString(output).strip();
    }

    /** It has nothing in it: the class it names is on the class path. */
    private Path agent() throws IOException {
        Manifest manifest = new Manifest();
        Attributes attributes = manifest.getMainAttributes();
        attributes.put(Attributes.Name.MANIFEST_VERSION, "1.0");
        attributes.put(new Attributes.Name("Premain-Class"), PostcopyStorm.class.getName());
        attributes.put(new Attributes.Name("Can-Retransform-Classes"), "true");
        Path jar = directory.resolve("agent.jar");
        try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar), manifest)) {
            out.finish();
        }
        return jar;
    }
}
