package org.transhume.control.throttle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DirtyLimitRegulationTest {
    private static final long RING_MIB = 16;
    private static final int TOLERANCE = 25;

    /** From a sleep of 100 000 us at a rate of 100 (ring full: 160 000 us), what the next period makes of it. */
    @ParameterizedTest(name = "quota {0}, current {1}, ring full in {2} us: {3} us")
    @CsvSource({
        "100, 100, 160000, 100000", // met
        "100, 125, 160000, 100000", // within the band
        "100,  75, 160000, 100000",
        "100, 126, 160000, 116000", // near, too fast: a tenth of the ring
        "100,  74, 160000,  84000", // near, too slow
        "100, 200, 160000, 116000", // 50 percent is near still
        "100, 204, 160000, 116000", // and so are 50.98
        "100, 205, 160000, 266530", // far: 51 percent, 51/49 rings more
        "100, 400, 160000, 580000", // far: 75 percent, three rings more
        "400, 100, 160000,      0", // far, too slow: three rings less, but none is the least
        "400, 100,  20000,  40000", // three rings of 20 000 less
        "  1, 900, 160000, 15840000", // 99 percent: 99 rings more, and 99 rings are the most
        "100,   0, 160000,      0", // writes nothing: nothing to sleep for
    })
    void followsTheRulesOfTheSpec(long quota, long current, long ringFull, long expected) {
        DirtyLimitRegulation regulation = at100000();

        assertEquals(expected, regulation.next(quota, current, ringFull));
        assertEquals(expected, regulation.sleep());
    }

    private static DirtyLimitRegulation at100000() {
        DirtyLimitRegulation regulation = new DirtyLimitRegulation();
        assertEquals(100_000, regulation.next(100, 200, 1_000_000)); // near, too fast: a tenth
        return regulation;
    }

    /**
     * A vCPU that fills its ring at its full speed, then sleeps. Its rate settles within the band; of a fast one a tenth of a ring
     * more or less can be more than the whole band, and it may then go to and fro over its quota by that step. The longest
     * sleep lets a hundredth of its speed through.
     */
    @ParameterizedTest
    @ValueSource(longs = {60, 100, 250, 700, 1500, 4000})
    void settlesAVcpuWithinTheBandOrOneStepAroundItsQuota(long fullSpeed) {
        long seed = System.nanoTime();
        System.out.println("dirty limit of a vCPU of " + fullSpeed + " MiB/s, seed " + seed);
        Random random = new Random(seed);
        for (int quota = 1 + (int) (fullSpeed / 100); quota < fullSpeed; quota += 1 + random.nextInt(20)) {
            DirtyLimitRegulation regulation = new DirtyLimitRegulation();
            long ringFull = RING_MIB * 1_000_000 / fullSpeed;
            long current = fullSpeed;
            for (int period = 0; period < 400; period++) {
                long sleep = regulation.next(quota, current, ringFull);
                current = rate(fullSpeed, sleep);
                boolean inBand = Math.abs(current - quota) <= TOLERANCE;
                boolean around = rate(fullSpeed, sleep + ringFull / 10) <= quota
                        && quota <= rate(fullSpeed, Math.max(0, sleep - ringFull / 10));
                if (period >= 300) {
                    assertTrue(
                            fullSpeed <= 250 ? inBand : inBand || around,
                            "quota %d of %d, period %d: %d MiB/s, asleep %d us; seed %d"
                                    .formatted(quota, fullSpeed, period, current, sleep, seed));
                }
            }
        }
    }

    private static long rate(long fullSpeed, long sleep) {
        return Math.round(RING_MIB / ((double) RING_MIB / fullSpeed + sleep / 1e6));
    }

    @ParameterizedTest
    @ValueSource(longs = {100, 1000, 1_000_000_000_000L, Long.MAX_VALUE})
    void letsAVcpuRunThatIsFarBelowItsQuota(long quota) {
        DirtyLimitRegulation regulation = at100000();
        long sleep = 0;

        for (int period = 0; period < 20; period++) {
            sleep = regulation.next(quota, 60, 160_000);
        }

        assertEquals(0, sleep);
    }
}
