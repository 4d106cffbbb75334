package org.transhume.control.domain;

import java.time.Instant;
import java.util.Optional;

/** @param uri where the stream is awaited; empty if there is nothing to send, or it is where the specification says */
public record PrepareReply(Optional<String> uri, Cookie cookie, Instant sentAt) {}
