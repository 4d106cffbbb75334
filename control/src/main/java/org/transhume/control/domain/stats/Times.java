package org.transhume.control.domain.stats;

import java.util.Optional;

/**
 * Milliseconds of a job. The net ones are without the time that control took to pass from one host to the other; they are known
 * once it completed, as well as the hosts' clocks agree.
 *
 * @param elapsed since the job began
 * @param elapsedNet only if less than {@code elapsed}
 * @param remaining never known of a migration
 * @param downtime expected while it runs, measured once completed
 * @param downtimeNet only if less than {@code downtime}
 * @param setup before the first round
 */
public record Times(
        long elapsed,
        Optional<Long> elapsedNet,
        Optional<Long> remaining,
        Optional<Long> downtime,
        Optional<Long> downtimeNet,
        Optional<Long> setup) {
    /** Of a job that only just began. */
    public static Times elapsed(long millis) {
        return new Times(
                millis, Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty());
    }
}
