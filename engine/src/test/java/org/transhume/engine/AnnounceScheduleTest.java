package org.transhume.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** When a guest says where it is (spec: control.md §6.13). */
class AnnounceScheduleTest {
    @ParameterizedTest
    @CsvSource({
        "50,  550,    5, 100,   0 50 150 250 350",
        "50,  550,    9, 100,   0 50 150 250 350 450 550 550 550",
        "0,   550,    3, 1,     0 0 1",
        "50,  20,     4, 100,   0 20 20 20",
        "100, 0,      3, 10000, 0 0 0",
        "100000, 100000, 3, 10000, 0 100000 100000",
        "50,  550,    1, 100,   0",
        "50,  550,    0, 100,   ''",
    })
    void theFirstGoesOutAtOnceAndTheDelaysGrowUpToTheLongest(
            long initial, long max, int rounds, long step, String delays) {
        AnnounceSchedule schedule = new AnnounceSchedule(initial, max, rounds, step);

        String planned = IntStream.rangeClosed(1, rounds)
                .mapToObj(number -> Long.toString(schedule.delayBefore(number)))
                .collect(Collectors.joining(" "));

        assertEquals(delays, planned);
    }

    @Test
    void theUsualOneTakesFourFifthsOfASecond() {
        AnnounceSchedule schedule = AnnounceSchedule.DEFAULT;

        long total = IntStream.rangeClosed(1, schedule.rounds())
                .mapToLong(schedule::delayBefore)
                .sum();

        assertEquals(800, total);
    }

    @Test
    void refusesWhatCannotBe() {
        IllegalArgumentException refusal =
                assertThrows(IllegalArgumentException.class, () -> new AnnounceSchedule(50, 550, -1, 100));

        assertEquals("announcements initial=50 max=550 rounds=-1 step=100: expected 0 or more", refusal.getMessage());
    }
}
