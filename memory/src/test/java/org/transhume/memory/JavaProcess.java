package org.transhume.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Another JVM with this one's class path and settings, for what this one could not survive or may not do. */
final class JavaProcess {
    private JavaProcess() {}

    /**
     * Runs {@code main} to its end, which has to be a good one.
     *
     * @param directory for what it says
     * @param before the command that starts the JVM; empty: it is started directly
     * @param options of the JVM beside those of this one
     * @return what it printed
     */
    static String run(Path directory, List<String> before, List<String> options, Class<?> main, int limitSeconds)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(before);
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(argument -> !argument.startsWith("-javaagent"))
                .forEach(command::add);
        command.addAll(options);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
        Path output = directory.resolve("output");
        Path errors = directory.resolve("errors");
        Process child = new ProcessBuilder(command)
                .directory(directory.toFile())
                .redirectOutput(output.toFile())
                .redirectError(errors.toFile())
                .start();
        boolean ended = child.waitFor(limitSeconds, TimeUnit.SECONDS);
        if (!ended) {
            child.destroyForcibly().waitFor(); // a JVM in which nothing reaches a safepoint hears no other word
        }
        String told = Files.readString(output);
        String complaints = Files.readString(errors);
        assertTrue(ended, () -> "it hangs: " + told + complaints);
        assertEquals(0, child.exitValue(), () -> told + complaints);
        return told.strip();
    }
}
