package org.transhume.engine.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.transhume.engine.guest.WorkloadSpec.Pattern;

class WorkloadSpecTest {
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            uniform                            | UNIFORM      | 20000 | 0          | 16777216 | 1
            uniform:rate=5                     | UNIFORM      | 5     | 0          | 16777216 | 1
            hot:rate=0,ws=1G,hot=64K,seed=42   | HOT          | 0     | 1073741824 | 65536    | 42
            sweep:ws=4096                      | SWEEP        | 20000 | 4096       | 16777216 | 1
            random-bytes:seed=7,rate=1         | RANDOM_BYTES | 1     | 0          | 16777216 | 7
            sparse-words:rate=1,rate=2         | SPARSE_WORDS | 2     | 0          | 16777216 | 1
            """)
    void aPatternAndItsSettingsAreRead(String text, Pattern pattern, long rate, long set, long hot, long seed) {
        assertEquals(new WorkloadSpec(pattern, rate, set, hot, seed), WorkloadSpec.parse(text));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                ":",
                "Uniform",
                "UNIFORM",
                "random_bytes",
                "uniform:",
                "uniform:rate",
                "uniform:rate=",
                "uniform:rate=x",
                "uniform:rate=-1",
                "uniform:rate=18446744073709551615",
                "uniform:rate=1,",
                "uniform:,rate=1",
                "uniform:speed=1",
                "uniform:ws=1X",
                "hot:hot=-1",
                "hot:seed=one"
            })
    void anythingElseIsRefusedInOneLineThatSaysWhatWasExpected(String text) {
        String message = assertThrows(IllegalArgumentException.class, () -> WorkloadSpec.parse(text), text)
                .getMessage();

        assertTrue(message.contains("expected") && message.lines().count() == 1, message);
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "IDLE")
    void itsTextIsReadBackAsItself(Pattern pattern) {
        WorkloadSpec spec = WorkloadSpec.parse(pattern.text() + ":rate=3,ws=8K,seed=9");

        assertEquals(spec, WorkloadSpec.parse(spec.toString()));
    }
}
