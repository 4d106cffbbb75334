package org.transhume.control.throttle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AutoConvergeTest {
    private static final long MIB = 1 << 20;

    private final RecordingGuest guest = new RecordingGuest();
    private AutoConverge.Tuning tuning = new AutoConverge.Tuning(50, 20, 10, false, 99);
    private final AutoConverge policy = new AutoConverge(() -> tuning);

    /** What a QEMU 10.0.2 was seen to do: 63 MiB written over and over, 16 MiB a second sent, a sync every four seconds. */
    @Test
    void goesTheStepsOfQemuAtTheSyncsOfQemu() {
        List<String> steps = new ArrayList<>();
        for (int sync = 2; sync <= 11; sync++) {
            int before = policy.percent();
            policy.judge(guest.proxy(), 63 * MIB, 63 * MIB);
            if (policy.percent() != before) {
                steps.add("%d after sync %d".formatted(policy.percent(), sync));
            }
        }

        assertEquals(
                List.of("20 after sync 3", "30 after sync 5", "40 after sync 7", "50 after sync 9", "60 after sync 11"),
                steps);
        assertEquals(List.of(20, 30, 40, 50, 60), guest.throttled);
    }

    @ParameterizedTest(name = "threshold {0}: {1} dirtied, {2} sent: {3}")
    @CsvSource({
        "50,  51, 100, true",
        "50,  50, 100, false",
        "1,    2, 100, true",
        "1,    1, 100, false",
        "100, 101, 100, true",
        "100, 100, 100, false",
        "50,   1,   0, true",
        "50,   0,   0, false",
        "50,   1,   1, true"
    })
    void findsAPeriodTooDirtyAboveTheThresholdOnly(int threshold, long dirtied, long sent, boolean tooDirty) {
        tuning = new AutoConverge.Tuning(threshold, 20, 10, false, 99);

        policy.judge(guest.proxy(), dirtied, sent);
        policy.judge(guest.proxy(), dirtied, sent);

        assertEquals(tooDirty ? 20 : 0, policy.percent());
    }

    @Test
    void countsPeriodsThatDoNotFollowEachOther() {
        policy.judge(guest.proxy(), 90, 100);
        for (int i = 0; i < 5; i++) {
            policy.judge(guest.proxy(), 10, 100);
        }
        int between = policy.percent();

        policy.judge(guest.proxy(), 90, 100);

        assertEquals(0, between);
        assertEquals(20, policy.percent());
    }

    @ParameterizedTest(name = "initial {0}, increment {1}, max {2}")
    @CsvSource({
        "20, 10, 99, '20,30,40,50,60,70,80,90,99,99'",
        "99, 99, 99, '99,99'",
        "1,   1,  3, '1,2,3,3'",
        "50, 60, 70, '50,70,70'"
    })
    void risesToTheMaximumAndStaysThere(int initial, int increment, int max, String expected) {
        tuning = new AutoConverge.Tuning(50, initial, increment, false, max);

        List<Integer> steps = steps(expected.split(",", -1).length, 100);

        assertEquals(
                Arrays.stream(expected.split(",", -1)).map(Integer::valueOf).toList(), steps);
    }

    /** Of 100 sent 50 are allowed: with c left to run, ideal is c * 50 / dirtied, and the step c - ideal, at most 10. */
    @ParameterizedTest(name = "{0} dirtied: {1}")
    @CsvSource({
        "51,  '20,22,24,26,28'", // 80: 78.4, step 2; 78: 76.4, step 2; 76: 74.5, step 2; 74: 72.5, step 2
        "55,  '20,28,35,41,47'", // 80: 72.7, step 8; 72: 65.4, step 7; 65: 59.0, step 6; 59: 53.6, step 6
        "200, '20,30,40,50,60'", // 80: 20, step 10
    })
    void goesSmallerStepsWhereLittleIsTooMuch(long dirtied, String expected) {
        tuning = new AutoConverge.Tuning(50, 20, 10, true, 99);

        List<Integer> steps = steps(5, dirtied);

        assertEquals(
                Arrays.stream(expected.split(",", -1)).map(Integer::valueOf).toList(), steps);
    }

    @Test
    void stopsRisingButGivesNothingBackWhenTheMaximumIsLowered() {
        steps(4, 100);
        tuning = new AutoConverge.Tuning(50, 20, 10, false, 30);

        assertEquals(List.of(50, 50), steps(2, 100));
        tuning = new AutoConverge.Tuning(50, 20, 25, false, 99);
        assertEquals(List.of(75), steps(1, 100));
    }

    @Test
    void isLiftedOnceAndOnlyIfItWasInForce() {
        policy.lift(guest.proxy());
        steps(1, 100);

        policy.lift(guest.proxy());

        assertEquals(List.of(20, 0), guest.throttled);
        assertEquals(0, policy.percent());
        assertTrue(policy.forcesHarvests());
    }

    /** The percentages after each act; an act takes two periods. */
    private List<Integer> steps(int acts, long dirtied) {
        return IntStream.range(0, acts)
                .mapToObj(_ -> {
                    policy.judge(guest.proxy(), dirtied, 100);
                    policy.judge(guest.proxy(), dirtied, 100);
                    return policy.percent();
                })
                .toList();
    }
}
