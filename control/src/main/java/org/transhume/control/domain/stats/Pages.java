package org.transhume.control.domain.stats;

import java.util.Optional;

/**
 * Pages of a job.
 *
 * @param constant pages of one repeated byte: zero pages
 * @param normal pages sent whole
 * @param normalBytes bytes in those
 * @param dirtyRate pages that the guest writes in a second
 * @param pageSize bytes
 * @param iteration 0 in the first pass over memory, one more in each further one
 * @param postCopyRequests pages that the destination had to ask for
 */
public record Pages(
        Optional<Long> constant,
        Optional<Long> normal,
        Optional<Long> normalBytes,
        long dirtyRate,
        Optional<Long> pageSize,
        long iteration,
        long postCopyRequests) {
    public static final Pages NONE =
            new Pages(Optional.empty(), Optional.empty(), Optional.empty(), 0, Optional.empty(), 0, 0);
}
