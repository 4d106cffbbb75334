package org.transhume.channels.qemu;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which machine type speaks how (spec: stream.md §12). */
class DialectTest {
    @ParameterizedTest
    @CsvSource({
        "pc-q35-10.0,        true,  true,  false, true,  10.0",
        "pc-i440fx-10.1,     true,  true,  false, true,  10.0",
        "pc-q35-11.0,        true,  true,  false, true,  10.0",
        "pc-q35-9.2,         false, true,  false, true,  9.0",
        "pc-q35-9.0,         false, true,  false, true,  9.0",
        "pc-i440fx-8.2,      false, true,  false, false, 8.1",
        "pc-q35-8.1,         false, true,  false, false, 8.1",
        "pc-q35-8.0,         false, false, false, false, 7.2",
        "pc-q35-7.2,         false, false, true,  false, 7.2",
        "pc-q35-2.12,        false, false, true,  false, 7.2",
        "q35,                true,  true,  false, true,  10.0",
        "microvm,            true,  true,  false, true,  10.0",
        "transhume-1.0,      true,  true,  false, true,  10.0",
    })
    void theMachineDecides(
            String machine, boolean switchover, boolean perRound, boolean early, boolean zeroes, String name) {
        Dialect dialect = new StreamHeader(machine).dialect();

        assertEquals(new Dialect(switchover, perRound, early, zeroes), dialect);
        assertEquals(name, dialect.toString());
    }
}
