package org.transhume.benchmarks.qemu;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * An installed QEMU.
 *
 * @param program path or name of it
 * @param version as it says it itself
 */
public record Qemu(String program, String version) {
    /** The one of the environment's {@code QEMU10}, or else of the search path; empty if it does not start. */
    public static Optional<Qemu> find() {
        return at(System.getenv().getOrDefault("QEMU10", "qemu-system-x86_64"));
    }

    /** @return empty if that does not start */
    public static Optional<Qemu> at(String program) {
        try {
            Process process = new ProcessBuilder(program, "--version")
                    .redirectErrorStream(true)
                    .start();
            String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return process.waitFor() == 0
                    ? Optional.of(new Qemu(program, said.lines().findFirst().orElse("")))
                    : Optional.empty();
        } catch (IOException e) {
            return Optional.empty();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Optional.empty();
        }
    }

    /** A machine without devices, to which a {@code -machine} is still to be added; {@code ram} is bytes. */
    public List<String> command(long ram, Path firmware, Path qmp) {
        return List.of(
                program,
                "-nodefaults",
                "-no-user-config",
                "-display",
                "none",
                "-m",
                (ram >> 20) + "M",
                "-bios",
                firmware.toString(),
                "-qmp",
                "unix:" + qmp + ",server=on,wait=off");
    }
}
