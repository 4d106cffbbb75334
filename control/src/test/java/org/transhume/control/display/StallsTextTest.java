package org.transhume.control.display;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.transhume.engine.stalls.StallFigures;
import org.transhume.engine.stalls.StallFigures.Waits;

/** What a person reads of the time a guest waited for its pages. */
class StallsTextTest {
    @Test
    void drawsHowLongOneWaitTook() {
        List<Long> latencies = new ArrayList<>(Collections.nCopies(StallFigures.BUCKETS, 0L));
        latencies.set(7, 100L);
        latencies.set(8, 200L);
        latencies.set(10, 1L);
        latencies.set(20, 2L);
        Waits waits = new Waits(303, 606_000_000, 700_000_000);

        String text = text(new StallFigures(
                waits, latencies, List.of(new Waits(3, 1_000_000, 1_000_000)), waits, 25_000_000, 1, 0));

        assertEquals("""
                  waits       303 for pages that were missing, 2.0 ms each on average, 700 ms in all; threads that still wait: 1
                  vCPU 0      3 waits, 1.0 ms
                  all vCPUs   25.0 ms at once
                  from 128 us ###############                100
                  from 256 us ############################## 200
                  from 512 us                                0
                  from   1 ms #                              1
                """, text.lines().limit(7).map(line -> line + "\n").reduce("", String::concat));
        assertEquals(
                "  from    1 s #                              2",
                text.lines().reduce((_, last) -> last).orElseThrow());
    }

    @Test
    void drawsNothingWhereNobodyWaited() {
        Waits none = new Waits(0, 0, 0);

        String text =
                text(new StallFigures(none, Collections.nCopies(StallFigures.BUCKETS, 0L), List.of(), none, 0, 0, 0));

        assertEquals("  waits       0 for pages that were missing, 0.0 ms each on average, 0.0 ms in all\n", text);
    }

    private static String text(StallFigures stalls) {
        StringWriter text = new StringWriter();
        PrintWriter out = new PrintWriter(text);
        StallsText.print(stalls, out);
        out.flush();
        return text.toString();
    }
}
