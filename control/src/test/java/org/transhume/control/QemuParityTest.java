package org.transhume.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** {@code docs/qemu-parity.md} names tests of all rooms; a test that was renamed must not leave its old name there. */
class QemuParityTest {
    private static final Pattern NAMED = Pattern.compile("`(\\w+(?:Test|IT))(?:\\.(\\w+))?`");

    @Test
    void namesTestsThatExist() throws IOException {
        Path root = root();
        String text = Files.readString(root.resolve("docs/qemu-parity.md"));
        Map<String, String> tests = tests(root);

        List<String> missing = NAMED.matcher(text)
                .results()
                .filter(named -> !exists(tests.get(named.group(1)), named.group(2)))
                .map(MatchResult::group)
                .toList();

        assertEquals(List.of(), missing);
        assertTrue(NAMED.matcher(text).results().count() > 50, "the document names fewer tests than it did");
    }

    private static boolean exists(String source, String method) {
        return source != null && (method == null || source.contains("    void " + method + "("));
    }

    private static Map<String, String> tests(Path root) throws IOException {
        try (Stream<Path> files = Files.walk(root)) {
            return files.filter(file -> file.toString().matches(".*/src/test/java/.*(Test|IT)\\.java"))
                    .collect(Collectors.toMap(QemuParityTest::name, QemuParityTest::read));
        }
    }

    private static String name(Path file) {
        Matcher name = Pattern.compile("(\\w+)\\.java$").matcher(file.toString());
        assertTrue(name.find(), file::toString);
        return name.group(1);
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Path root() {
        Path folder = Path.of("").toAbsolutePath();
        while (Files.notExists(folder.resolve("docs/qemu-parity.md"))) {
            folder = folder.getParent();
        }
        return folder;
    }
}
