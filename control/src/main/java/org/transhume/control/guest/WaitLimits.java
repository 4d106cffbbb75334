package org.transhume.control.guest;

import java.time.Duration;

/**
 * How long a migration waits for a peer that does nothing; zero is for ever.
 *
 * @param stall for one that takes no byte, or owes the rest of what it began to send
 * @param silence for anything new from a source
 */
public record WaitLimits(Duration stall, Duration silence) {
    /** A minute for a peer that hangs, for ever for one that is silent. */
    public static final WaitLimits DEFAULT = new WaitLimits(Duration.ofSeconds(60), Duration.ZERO);
}
