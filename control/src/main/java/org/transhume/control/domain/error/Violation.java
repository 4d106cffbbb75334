package org.transhume.control.domain.error;

/**
 * One rule that a migration's flags and parameters break.
 *
 * @param code stable, for programs: words joined by hyphens
 * @param message one line, for people
 */
public record Violation(String code, String message) {}
