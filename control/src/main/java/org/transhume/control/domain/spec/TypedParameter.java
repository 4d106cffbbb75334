package org.transhume.control.domain.spec;

/**
 * A parameter as libvirt's callers give it.
 *
 * @param key one of {@link MigrationParameter#key}
 * @param value {@link String}, {@link Long} for an unsigned number of 64 bits or {@link Integer} for a signed one of 32
 */
public record TypedParameter(String key, Object value) {}
