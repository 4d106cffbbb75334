package org.transhume.control.domain.stats;

import java.util.Optional;

/**
 * Bytes of one kind.
 *
 * @param total may be less than processed and remaining together: what is written again is sent again
 * @param processed sent so far
 * @param remaining still to send
 * @param bytesPerSecond empty while nothing is known
 */
public record Transfer(long total, long processed, long remaining, Optional<Long> bytesPerSecond) {
    public static final Transfer NOTHING = new Transfer(0, 0, 0, Optional.empty());

    /** Both together; rates are told of the parts only. */
    public Transfer plus(Transfer other) {
        return new Transfer(
                total + other.total, processed + other.processed, remaining + other.remaining, Optional.empty());
    }
}
