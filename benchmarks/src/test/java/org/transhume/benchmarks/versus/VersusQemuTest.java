package org.transhume.benchmarks.versus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.PrintWriter;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.transhume.benchmarks.qemu.Qemu;
import picocli.CommandLine;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The whole command at a sixty-fourth of its sizes, and what it is to find out. */
class VersusQemuTest {
    private static final int SCALE = 64;

    @TempDir
    private Path folder;

    @Test
    void measuresTheSameWorkOnBothSidesAndWritesItDown() {
        Optional<Qemu> qemu = Qemu.find();
        assumeTrue(qemu.isPresent(), "no QEMU: set QEMU10");
        Path json = folder.resolve("versus.json");
        Path chart = folder.resolve("versus.svg");

        int status = new CommandLine(new VersusQemu())
                .execute(
                        "--scale=" + SCALE,
                        "--rounds=1",
                        "--case=random",
                        "--qemu=" + qemu.get().program(),
                        "--json=" + json,
                        "--chart=" + chart);

        assertEquals(0, status);
        assertTrue(Files.exists(chart));
        JsonNode measured = new JsonMapper().readTree(json).path("cases").path(0);
        JsonNode round = measured.path("rounds").path(0);
        for (String side : new String[] {"qemu", "transhume", "transhume-warm"}) {
            JsonNode trial = round.path(side);
            assertTrue(trial.path("total-time-ms").asDouble() > 0, side + ": " + measured);
            long wire = trial.path("wire-bytes").asLong();
            long ram = measured.path("ram-bytes").asLong();
            assertTrue(wire >= ram && wire < ram * 1.1, side + " sent " + wire + " bytes of " + ram);
        }
        assertEquals(3, measured.path("floors").size());
    }

    @Test
    void movesGuestsThatWriteOneAfterTheOther() throws Exception {
        try (Pair pair = Pair.start(new TranshumeSide("64M"), Work.XBZRLE, SCALE, 2)) {
            Memory memory = pair.watch();
            Trial second = pair.migrate();

            assertTrue(second.wireBytes() > Work.XBZRLE.ram(SCALE), second.toString());
            assertTrue(second.cpu() > 0, second.toString());
            assertTrue(memory.source() > 32 << 20 && memory.source() < 1L << 30, memory.toString());
            assertTrue(memory.destination() > 32 << 20 && memory.destination() < 1L << 30, memory.toString());
        }
    }

    @Test
    void refusesSizesAndChartsThatItHasNot() {
        assertEquals(CommandLine.ExitCode.USAGE, quietly("--scale=65"));
        assertEquals(CommandLine.ExitCode.USAGE, quietly("--chart=versus.gif"));
        assertEquals(CommandLine.ExitCode.USAGE, quietly("--case=everything"));
        assertEquals(CommandLine.ExitCode.USAGE, quietly("--qemu=/nowhere/qemu"));
    }

    private static int quietly(String... arguments) {
        CommandLine line = new CommandLine(new VersusQemu());
        line.setErr(new PrintWriter(Writer.nullWriter()));
        return line.execute(arguments);
    }
}
