package org.transhume.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Runs {@link DirtyBitmapStress} under jcstress, some seconds of it; for longer, raise {@code transhume.jcstress.millis}.
 *
 * <p>It goes red when {@code DirtyBitmap} disobeys its comments. Seen for these, each a change of one line:
 *
 * <ul>
 *   <li>{@code mark} begins with {@code if (isMarked(page)) return;} (test, then set): RewrittenPage ends in "0, 0".
 *   <li>{@code take} reads the word and then stores 0 instead of swapping: NeighbouringPages ends in "1, 0".
 *   <li>{@code harvest} calls the sink before {@code take}: RewrittenPage ends in "0, 0".
 * </ul>
 */
class DirtyBitmapOrderingTest {
    @TempDir
    Path directory;

    @Test
    void keepsEveryWriteWhereWriterAndScannerMeet() throws IOException, InterruptedException {
        Path log = directory.resolve("jcstress.log");
        Process jcstress = new ProcessBuilder(List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        "--sun-misc-unsafe-memory-access=allow",
                        "org.openjdk.jcstress.Main",
                        "-t",
                        "DirtyBitmapStress",
                        "-m",
                        "sanity",
                        "-sc",
                        "false",
                        "-strideSize",
                        "256",
                        "-strideCount",
                        "40",
                        "-time",
                        System.getProperty("transhume.jcstress.millis", "100"),
                        "-jvmArgsPrepend",
                        "--add-modules=jdk.incubator.vector",
                        "-r",
                        directory.toString()))
                .directory(directory.toFile())
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        boolean ended = jcstress.waitFor(5, TimeUnit.MINUTES);
        if (!ended) {
            jcstress.destroyForcibly().waitFor();
        }
        String output = Files.readString(log);

        assertTrue(ended, output);
        assertEquals(0, jcstress.exitValue(), output);
        assertTrue(output.contains("4 matching test results"), output);
        assertTrue(output.matches("(?s).*Failed tests: No matches.*Error tests: No matches.*"), output);
    }
}
