package org.transhume.engine.outgoing;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.ValueLayout;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.transhume.engine.Clock;
import org.transhume.engine.digest.PageRecorder;
import org.transhume.engine.digest.RamDigest;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.RamBlock;

class SentDigestTest {
    @Test
    void countsWhatItWillAddToThePauseAsItIsNow() {
        RamBlock ram = RamBlock.memfd("ram", 4 * RamDigest.GROUP);
        try (GuestMemory memory = new GuestMemory(List.of(ram));
                SentDigest digest = new SentDigest(true, memory, Clock.SYSTEM);
                SentDigest off = new SentDigest(false, memory, Clock.SYSTEM)) {
            ram.segment().set(ValueLayout.JAVA_LONG, 0, 1);
            ram.segment().set(ValueLayout.JAVA_LONG, 3 * RamDigest.GROUP, 1);
            PageRecorder recorder = digest.recorder();

            recorder.inPlace(0, 0);
            recorder.inPlace(0, 3 * RamDigest.GROUP);
            recorder.zero(0, RamDigest.GROUP);
            recorder.flush();

            assertEquals(2 * 2 * Long.BYTES, digest.bytes());
            assertEquals(0, off.bytes());
        }
    }
}
