package org.transhume.engine.counters;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** The one table of all counters, and its copy for people. */
class CounterTableTest {
    private static final String BEGIN = "<!-- table -->\n";
    private static final String END = "<!-- end of table -->\n";

    @Test
    void theDocumentHasTheTableThatTheCodeHas() throws IOException {
        Path file = document();
        String text = Files.readString(file);
        String wanted = text.substring(0, text.indexOf(BEGIN) + BEGIN.length())
                + Counter.markdown()
                + text.substring(text.indexOf(END));

        if (Boolean.getBoolean("counters.rewrite")) {
            Files.writeString(file, wanted);
        }

        assertEquals(wanted, Files.readString(file), "docs/counters.md is old; it says itself how to write it anew");
    }

    @Test
    void everyCounterHasAnUnitAMeaningAndACodeOfItsOwn() {
        for (Counter counter : Counter.values()) {
            assertTrue(counter.wireName().matches("[a-z0-9]+(-[a-z0-9]+)*"), counter.wireName());
            assertFalse(counter.unit().isBlank() || counter.meaning().isBlank(), counter.wireName());
            assertTrue(counter.countedAt(Side.SOURCE) || counter.countedAt(Side.DESTINATION), counter.wireName());
        }
        assertEquals(
                Counter.values().length,
                Arrays.stream(Counter.values())
                        .mapToInt(counter -> counter.code)
                        .distinct()
                        .count());
    }

    @Test
    void aMigrationThatLeavesOneOutIsFound() {
        CounterValues.Builder values = CounterValues.of(Side.DESTINATION);
        Counter.of(Side.DESTINATION).stream().skip(1).forEach(counter -> values.with(counter, 1));

        String message =
                assertThrows(IllegalStateException.class, values::build).getMessage();

        assertTrue(message.contains(Counter.STATE.wireName()), message);
    }

    @Test
    void aMigrationThatSaysWhatItsSideDoesNotHaveIsFound() {
        CounterValues.Builder values = CounterValues.of(Side.DESTINATION);

        assertThrows(IllegalArgumentException.class, () -> values.with(Counter.ROUNDS, 1));
        assertThrows(IllegalArgumentException.class, () -> values.with(Counter.CHANNEL_READ_BYTES, 1));
        assertThrows(
                IllegalArgumentException.class,
                () -> values.with(Counter.STATE, 1).with(Counter.STATE, 2));
    }

    private static Path document() {
        Path folder = Path.of("").toAbsolutePath();
        while (Files.notExists(folder.resolve("docs/counters.md"))) {
            folder = folder.getParent();
        }
        return folder.resolve("docs/counters.md");
    }
}
