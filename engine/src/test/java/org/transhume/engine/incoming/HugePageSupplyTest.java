package org.transhume.engine.incoming;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class HugePageSupplyTest {
    private static final long FAST = 100_000;
    private static final long SLOW = 5_000_000;

    private final HugePageSupply supply = new HugePageSupply();

    @Test
    void takesOneAfterTheOtherWhileTheyAreAtHand() {
        for (int i = 0; i < 100; i++) {
            assertTrue(supply.worthTrying());
            supply.took(FAST);
        }
    }

    @Test
    void triesLaterAndLaterWhileTheyAreNot() {
        assertTrue(supply.worthTrying());
        int[] waits = new int[9];
        for (int i = 0; i < waits.length; i++) {
            supply.took(SLOW);
            waits[i] = declined();
        }
        assertArrayEquals(new int[] {16, 32, 64, 128, 256, 512, 1024, 1024, 1024}, waits);
    }

    @Test
    void oneThatIsFastEndsTheWait() {
        supply.took(SLOW);
        supply.took(SLOW);
        declined();
        supply.took(FAST);
        assertTrue(supply.worthTrying());

        supply.took(SLOW);
        assertEquals(16, declined());
    }

    private int declined() {
        int declined = 0;
        while (!supply.worthTrying()) {
            declined++;
        }
        return declined;
    }
}
