package org.transhume.control.interop;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The QEMUs that the engine is held against. */
enum QemuVersion {
    V10_0("10.0", "pc-q35-10.0", "QEMU10"),
    /** The machine decides the dialect of the stream, not the QEMU that runs it. */
    V10_0_WITH_MACHINE_7_2("10.0", "pc-q35-7.2", "QEMU10"),
    V7_2("7.2", "pc-q35-7.2", "QEMU72");

    private static final String BINARY = "qemu-system-x86_64";

    private final String number;
    private final String machine;
    private final String variable;

    QemuVersion(String number, String machine, String variable) {
        this.number = number;
        this.machine = machine;
        this.variable = variable;
    }

    String machine() {
        return machine;
    }

    /**
     * 7.2 under TCG loses a page of a running guest now and then, without any help of ours: stop it before migrating
     * where RAM is compared.
     */
    boolean losesPagesOfARunningGuest() {
        return this == V7_2;
    }

    /** The start of its command line; aborts the test as skipped where this version is not on the machine. */
    List<String> command() throws Exception {
        Optional<Path> binary = binary();
        assumeTrue(
                binary.isPresent(),
                "no QEMU %s: neither %s nor %s on the PATH is one".formatted(number, variable, BINARY));
        List<String> command = new ArrayList<>(List.of(binary.get().toString()));
        String arguments = System.getenv(variable + "_ARGS");
        if (arguments != null) {
            command.addAll(List.of(arguments.trim().split("\\s+")));
        }
        return command;
    }

    private Optional<Path> binary() throws Exception {
        String named = System.getenv(variable);
        if (named != null) {
            return Optional.of(Path.of(named));
        }
        for (String folder : System.getenv("PATH").split(":", -1)) {
            Path candidate = Path.of(folder, BINARY);
            if (Files.isExecutable(candidate) && versionOf(candidate).contains("version " + number + ".")) {
                return Optional.of(candidate);
            }
        }
        return Optional.empty();
    }

    private static String versionOf(Path binary) throws IOException {
        Process process = new ProcessBuilder(binary.toString(), "--version")
                .redirectErrorStream(true)
                .start();
        return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }
}
