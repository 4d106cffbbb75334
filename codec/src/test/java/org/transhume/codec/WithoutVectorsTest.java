package org.transhume.codec;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.transhume.codec.delta.XbzrleEncoder;

class WithoutVectorsTest {
    @Test
    void testsForZeroesAndMakesDeltasInAJvmStartedWithoutTheModule() throws Exception {
        Process jvm = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Plainly.class.getName())
                .redirectErrorStream(true)
                .start();

        String said = new String(jvm.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

        assertEquals("vectors false, zero true and false, delta of 4 bytes", said.strip());
        assertEquals(0, jvm.waitFor());
    }

    static final class Plainly {
        public static void main(String[] arguments) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment old = arena.allocate(4096);
                MemorySegment fresh = arena.allocate(4096);
                MemorySegment out = arena.allocate(XbzrleEncoder.ROOM);
                fresh.set(ValueLayout.JAVA_BYTE, 2000, (byte) 1);

                System.out.printf(
                        "vectors %s, zero %s and %s, delta of %d bytes%n",
                        Vectors.PRESENT,
                        ZeroPage.test(old, 0, 4096),
                        ZeroPage.test(fresh, 0, 4096),
                        new XbzrleEncoder().encode(old, 0, fresh, 0, out, 0));
            }
        }
    }
}
