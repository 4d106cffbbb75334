package org.transhume.control.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class InspectCommandTest {
    @TempDir
    Path directory;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @Test
    void theChannelsOfOnePostcopyAreReadTogether() throws Exception {
        for (String channel : List.of("forward", "preempt", "return")) {
            captured(channel);
        }

        int exit = inspect(directory.toString());

        String said = out.toString();
        assertEquals(0, exit, err.toString());
        assertTrue(said.contains("preempt.bin: preempt, "), said);
        assertTrue(said.contains("return.bin: return path, "), said);
        assertTrue(said.contains("  messages [PONG 1, PONG 2, PONG 3, PONG 4, REQ_PAGES of 1 pages"), said);
    }

    @Test
    void aChannelWithoutABlockListTakesThatOfTheMainStreamItIsTold() throws Exception {
        Path preempt = captured("preempt");
        Path main = captured("forward");

        assertEquals(1, inspect(preempt.toString()));
        assertTrue(err.toString().contains("name that one with --main"), err.toString());
        assertEquals(0, inspect(preempt.toString(), "--main", main.toString()));
    }

    private int inspect(String... arguments) {
        return new CommandLine(new InspectCommand())
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(arguments);
    }

    private Path captured(String channel) throws IOException {
        Path packed = Path.of(
                "..", "channels/src/test/resources/qemu", "postcopy-preempt-10.0.2-%s.bin.gz".formatted(channel));
        Path file = directory.resolve(channel + ".bin");
        try (InputStream in = new GZIPInputStream(Files.newInputStream(packed))) {
            Files.copy(in, file);
        }
        return file;
    }
}
