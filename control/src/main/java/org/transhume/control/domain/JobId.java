package org.transhume.control.domain;

import java.util.UUID;

/**
 * One migration, on both hosts. Random, and told to nobody else: whoever names it may finish that migration, which makes it the
 * token without which a destination starts no guest.
 */
public record JobId(UUID value) {
    public static JobId random() {
        return new JobId(UUID.randomUUID());
    }
}
