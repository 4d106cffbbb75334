package org.transhume.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.jar.Attributes;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Nobody who waits for a page holds up the JVM. It goes red, and the process hangs until it is killed, where a thread of {@link
 * MissingPagesStorm} reads a page that may be missing through its segment.
 */
class MissingPagesStormTest {
    private static final int LIMIT_SECONDS = 60;

    @TempDir
    Path directory;

    @Test
    void memoryArrivesWhileTheJvmIsStoppedEveryFewMilliseconds() throws Exception {
        String told = JavaProcess.run(
                directory, List.of(), List.of("-javaagent:" + agent()), MissingPagesStorm.class, LIMIT_SECONDS);
        Map<String, Long> counts = Arrays.stream(told.split(" "))
                .map(count -> count.split("="))
                .collect(Collectors.toMap(count -> count[0], count -> Long.parseLong(count[1])));

        assertEquals(0, counts.get("wrong"), told);
        for (String happened : List.of("collections", "dumps", "redefinitions")) {
            assertTrue(counts.get(happened) > 10, told);
        }
        assertTrue(counts.get("faults") > 50, told);
    }

    /** It has nothing in it: the class it names is on the class path. */
    private Path agent() throws IOException {
        Manifest manifest = new Manifest();
        Attributes attributes = manifest.getMainAttributes();
        attributes.put(Attributes.Name.MANIFEST_VERSION, "1.0");
        attributes.put(new Attributes.Name("Premain-Class"), MissingPagesStorm.class.getName());
        attributes.put(new Attributes.Name("Can-Retransform-Classes"), "true");
        Path jar = directory.resolve("agent.jar");
        try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar), manifest)) {
            out.finish();
        }
        return jar;
    }
}
