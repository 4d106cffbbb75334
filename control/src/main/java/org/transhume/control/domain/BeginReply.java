package org.transhume.control.domain;

import java.time.Instant;

/**
 * @param definition to run with
 * @param paused whether the guest stands, and is to arrive so
 */
public record BeginReply(JobId job, DomainDefinition definition, boolean paused, Cookie cookie, Instant sentAt) {}
