package org.transhume.control.domain;

import java.time.Instant;

/**
 * Where and when something happened.
 *
 * @param sequence 1 and up, without a gap, on this domain and host
 */
public record EventOrigin(DomainId domain, HostId host, Instant at, long sequence) {}
