package org.transhume.engine.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SizeTest {
    @ParameterizedTest
    @CsvSource({
        "0, 0",
        "4096, 4096",
        "1K, 1024",
        "1k, 1024",
        "64M, 67108864",
        "4g, 4294967296",
        "1T, 1099511627776",
        "9223372036854775807, 9223372036854775807",
        "8388607T, 9223370937343148032",
    })
    void aSizeIsANumberAndALetter(String text, long bytes) {
        assertEquals(bytes, Size.parse(text));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "K",
                "M4",
                "4MB",
                "4 M",
                "-1",
                "-1K",
                "+1",
                "1.5G",
                "0x10",
                "1P",
                "8388608T",
                "9223372036854775808",
                "٤K"
            })
    void anythingElseIsRefusedAsItCame(String text) {
        String message = assertThrows(IllegalArgumentException.class, () -> Size.parse(text))
                .getMessage();

        assertTrue(message.startsWith("size '%s': expected".formatted(text)), message);
    }
}
