package org.transhume.control.domain;

import java.time.Instant;

public record PerformReply(Cookie cookie, Instant sentAt) {}
