package org.transhume.control.guest;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class RehearsalTest {
    private static Thread thread() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().equals("rehearsal"))
                .findAny()
                .orElseThrow();
    }

    @Test
    void itGivesWayWithTheGuestThatJustMoves() throws InterruptedException {
        Rehearsal rehearsal = Rehearsal.begin();
        Thread thread = thread();

        rehearsal.end();

        assertTrue(thread.join(Duration.ofSeconds(20)), "it went on");
        assertTrue(
                Thread.getAllStackTraces().keySet().stream()
                        .noneMatch(left -> left.getName().startsWith("rehearsal")),
                "threads of its migration were left");
    }
}
