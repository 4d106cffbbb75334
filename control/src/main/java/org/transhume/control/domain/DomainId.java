package org.transhume.control.domain;

import java.util.UUID;

/**
 * Which guest.
 *
 * @param name unique on its host
 * @param uuid the same on all hosts, for ever
 * @param runId counts the times that it began to run or to arrive on this host
 */
public record DomainId(String name, UUID uuid, long runId) {}
