package org.transhume.control.display;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.transhume.engine.ConnectionSet;
import org.transhume.engine.counters.Counter;
import org.transhume.engine.counters.CounterValues;
import org.transhume.engine.counters.CountersReading;
import org.transhume.engine.counters.Side;

/** What a person sees of the counters of a process. */
class CountersTextTest {
    private static final long MIB = 1 << 20;

    @Test
    void aSourceShowsWhatIsLeftWhatWentAndHow() {
        Map<String, Long> counters = counters(Side.SOURCE);
        counters.put("state", 2L);
        counters.put("rounds", 3L);
        counters.put("elapsed-millis", 1500L);
        counters.put("ram-bytes", 512 * MIB);
        counters.put("remaining-bytes", 80 * MIB);
        counters.put("bytes-per-second", 40 * MIB);
        counters.put("dirty-pages-per-second", 10_000L);
        counters.put("main-written-bytes", MIB);
        counters.put("multifd-written-bytes", 99 * MIB);
        counters.put("normal-pages", 25_000L);
        counters.put("unchanged-pages", 7L);
        counters.put("delta-cache-bytes", 64 * MIB);
        counters.put("compressed-pages", 5L);
        counters.put("adaptive-lz4-pages", 6L);

        String text = CountersText.of(12, snapshot(Side.SOURCE, counters, 1000), 1100);

        assertEquals("""
                process 12
                source 'migration': active, round 3, 1500 ms
                  remaining   80.00 MiB of 512.00 MiB, 10000 pages/s become dirty
                  sent        100.00 MiB, 40.00 MiB/s, 0 pages/s
                  downtime    0.0 ms, expected 0.0 ms
                  pages       25000 in full, 0 zero, 0 never written, 0 as deltas, 5 compressed
                  deltas      0 B for 0 found in the cache of 64.00 MiB, 7 unchanged, 0 that grew (overflow), 0 not found
                  compressed  0 B, 0 times all threads were busy
                  chosen      0 pages as they are, 6 by LZ4, 0 by zstd; 0 compressed in vain
                  channels    main 1.00 MiB, multifd 0 99.00 MiB
                """, text);
    }

    @Test
    void bothSidesShowTheirPostcopy() {
        Map<String, Long> source = counters(Side.SOURCE);
        source.put("state", 9L);
        source.put("postcopy-bytes", 5 * MIB);
        source.put("postcopy-requests", 12L);
        Map<String, Long> destination = counters(Side.DESTINATION);
        destination.put("state", 10L);
        destination.put("postcopy-requests", 13L);

        String sent = CountersText.of(12, snapshot(Side.SOURCE, source, 1000), 1100);
        String received = CountersText.of(12, snapshot(Side.DESTINATION, destination, 1000), 1100);

        assertTrue(sent.contains("postcopy-active"), sent);
        assertTrue(sent.contains("  postcopy    5.00 MiB since the guest runs there, 12 pages asked for\n"), sent);
        assertTrue(received.contains("postcopy-paused"), received);
        assertTrue(received.contains("  postcopy    13 pages asked for\n"), received);
    }

    @Test
    void aDestinationShowsWhatItReceived() {
        Map<String, Long> counters = counters(Side.DESTINATION);
        counters.put("state", 6L);
        counters.put("main-read-bytes", 2 * MIB);
        counters.put("ram-bytes", 64 * MIB);

        String text = CountersText.of(12, snapshot(Side.DESTINATION, counters, 1000), 1100);

        assertTrue(text.contains("destination 'migration': completed, 0.0 ms\n"), text);
        assertTrue(text.contains("  received    2.00 MiB for 64.00 MiB of RAM, 0 B of devices\n"), text);
        assertTrue(text.contains("  channels    main 2.00 MiB, multifd 0 3.00 MiB\n"), text);
    }

    @Test
    void aNewerProcessAndOneThatStandsStillAreShownAsFarAsTheyCanBe() {
        String newer = CountersText.of(12, snapshot(null, Map.of("state", 77L), 1000), 1100);
        String still = CountersText.of(12, new CountersReading.Snapshot(1000, List.of()), 61_000);

        assertTrue(newer.contains("migration 'migration': state 77, 0.0 ms\n"), newer);
        assertEquals("process 12, whose last word is 60.0 s old (is it stopped?): no migration yet\n", still);
    }

    private static Map<String, Long> counters(Side side) {
        Map<String, Long> counters = new LinkedHashMap<>();
        Counter.of(side).forEach(counter -> counters.put(counter.wireName(), 0L));
        return counters;
    }

    private static CountersReading.Snapshot snapshot(Side side, Map<String, Long> counters, long published) {
        List<CounterValues.Channel> channels = List.of(
                new CounterValues.Channel(ConnectionSet.MAIN, MIB, 2 * MIB),
                new CounterValues.Channel(0, 99 * MIB, 3 * MIB));
        return new CountersReading.Snapshot(
                published, List.of(new CountersReading.Migration(1, "migration", side, counters, channels)));
    }
}
