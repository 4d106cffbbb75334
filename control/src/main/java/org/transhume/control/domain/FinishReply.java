package org.transhume.control.domain;

import java.time.Instant;
import java.util.Optional;

/**
 * @param arrived the domain there; empty if it did not arrive, as was asked for
 * @param cause what the destination has to add to a migration that was cancelled
 */
public record FinishReply(Optional<DomainId> arrived, Optional<String> cause, Cookie cookie, Instant sentAt) {}
