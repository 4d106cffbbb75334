package org.transhume.control.domain.stats;

import java.util.Optional;

/** How a job ended; {@code message} is why it failed. */
public record Outcome(boolean success, Optional<String> message) {
    public static final Outcome SUCCESS = new Outcome(true, Optional.empty());

    public static Outcome failure(String message) {
        return new Outcome(false, Optional.of(message));
    }
}
