package org.transhume.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** The script of {@code transhume completion}, asked by a bash as its completion asks. */
@Timeout(60)
class CompletionTest {
    private static final Path BASH = Path.of("/bin/bash");

    @TempDir
    Path folder;

    private Path script;

    @BeforeEach
    void printTheScript() throws Exception {
        assumeTrue(Files.isExecutable(BASH), "no bash here");
        StringWriter printed = new StringWriter();
        CommandLine line = Transhume.commandLine().setOut(new PrintWriter(printed));
        assertEquals(0, line.execute("completion"));
        script = Files.writeString(folder.resolve("completion"), printed.toString());
    }

    @Test
    void completesCommandsAndOptions() throws Exception {
        assertEquals(List.of("receive"), completions("transhume", "rec"));
        assertEquals(List.of("--same-migration"), completions("transhume", "merge", "--same"));
        assertEquals(List.of("--capability"), completions("transhume", "demo", "--cap"));
    }

    @Test
    void completesCapabilitiesThatAreBuilt() throws Exception {
        assertEquals(List.of("multifd"), completions("transhume", "demo", "--capability", "multi"));
        assertEquals(List.of("x-lz4"), completions("transhume", "send", "--capability", "x-lz"));
        assertFalse(completions("transhume", "demo", "--capability", "").contains("mapped-ram"));
    }

    @Test
    void completesParametersAndTheWordsTheyTake() throws Exception {
        assertEquals(List.of("max-bandwidth="), completions("transhume", "demo", "--parameter", "max-b"));
        List<String> compressions = completions("transhume", "demo", "--parameter", "multifd-compression");
        assertTrue(compressions.contains("multifd-compression=zstd"), compressions.toString());
        assertEquals(List.of("3.1"), completions("transhume", "guest", "--profile", "3"));
    }

    /** What bash would offer for the last of {@code words}. */
    private List<String> completions(String... words) throws Exception {
        String asked = """
                set -e
                source <(cat "$1")
                shift
                COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=${#COMP_LINE}
                compopt() { :; }
                [ "$(complete -p transhume)" ]
                set +e
                _complete_transhume
                printf '%s\\n' "${COMPREPLY[@]}"
                """;
        List<String> command = new ArrayList<>(List.of(BASH.toString(), "-c", asked, "bash", script.toString()));
        command.addAll(List.of(words));
        Process bash = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(bash.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, bash.waitFor(), said);
        return said.lines().map(String::strip).toList();
    }
}
