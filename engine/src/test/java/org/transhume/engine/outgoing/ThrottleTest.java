package org.transhume.engine.outgoing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import org.junit.jupiter.api.Test;
import org.transhume.engine.Clock;
import org.transhume.engine.Guest;

/** When the policy is asked, and of what. */
class ThrottleTest {
    private static final long MILLI = 1_000_000;

    private final ByHand clock = new ByHand();
    private final Asked policy = new Asked();
    private final Throttle throttle = new Throttle(policy, null, clock);

    @Test
    void asksOnceMoreThanASecondHasPassedAndOfAllThatCameMeanwhile() {
        throttle.begin(1000);

        clock.at(600);
        throttle.harvested(3, 2000);
        clock.at(1000);
        throttle.harvested(4, 3000);
        clock.at(1001);
        throttle.harvested(5, 4000);
        clock.at(1900);
        throttle.harvested(1, 5000);
        clock.at(2500);
        throttle.harvested(0, 5500);

        assertEquals(List.of("12 pages, 3000 bytes", "1 pages, 1500 bytes"), policy.said);
    }

    @Test
    void asksForAHarvestEveryFiveSecondsInWhichNoneCame() {
        throttle.begin(0);

        assertEquals(List.of(false, false), due(4999, 2, 5000, 2)); // it came in these five
        assertEquals(List.of(false, true), due(9999, 2, 10_000, 2));
        assertEquals(List.of(false, false), due(14_999, 3, 15_000, 3));
        assertEquals(List.of(false, true), due(15_001, 3, 20_001, 3));
    }

    @Test
    void asksForNoneDuringTheFirstRound() {
        throttle.begin(0);

        assertEquals(List.of(false, false), due(5000, 1, 10_000, 1));
        assertEquals(List.of(false, false), due(15_000, 1, 20_000, 2));
        assertEquals(List.of(true, false), due(25_000, 2, 25_001, 2));
    }

    @Test
    void asksForNoneThatThePolicyDoesNotWant() {
        policy.forces = false;
        throttle.begin(0);

        assertEquals(List.of(false, false), due(5000, 2, 10_000, 2));
    }

    @Test
    void remembersTheHighestPercentageWhenItIsLifted() {
        throttle.begin(0);
        for (int percent : List.of(20, 50, 0)) {
            policy.percent = percent;
            clock.at(clock.nanos() / MILLI + 1001);
            throttle.harvested(1, 1);
        }

        throttle.lift();

        assertTrue(policy.lifted);
        assertEquals(0, throttle.percent());
        assertEquals(50, throttle.highest());
        assertFalse(policy.said.isEmpty());
    }

    private List<Boolean> due(long first, int passes, long second, int passesThen) {
        clock.at(first);
        boolean one = throttle.harvestDue(passes);
        clock.at(second);
        return List.of(one, throttle.harvestDue(passesThen));
    }

    private static final class Asked implements ThrottlePolicy {
        final List<String> said = new ArrayList<>();
        boolean forces = true;
        boolean lifted;
        int percent;

        @Override
        public void judge(Guest guest, long dirtied, long sent) {
            said.add("%d pages, %d bytes".formatted(dirtied / 4096, sent));
        }

        @Override
        public void lift(Guest guest) {
            lifted = true;
        }

        @Override
        public int percent() {
            return percent;
        }

        @Override
        public boolean forcesHarvests() {
            return forces;
        }
    }

    private static final class ByHand implements Clock {
        private long now;

        void at(long millis) {
            now = millis * MILLI;
        }

        @Override
        public long nanos() {
            return now;
        }

        @Override
        public void await(Condition condition, long nanos) {
            throw new AssertionError("nobody waits here");
        }
    }
}
