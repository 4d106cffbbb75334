package org.transhume.control.domain.error;

import java.util.List;
import java.util.stream.Collectors;

/** Flags and parameters contradict each other, or the domain. Nothing was touched on either host. */
public final class IllegalMigrationException extends DomainException {
    private static final long serialVersionUID = 1L;

    private final transient List<Violation> violations;

    /** @param violations all of them, at least one */
    public IllegalMigrationException(List<Violation> violations) {
        super(
                ErrorCode.ILLEGAL_MIGRATION,
                violations.stream().map(Violation::message).collect(Collectors.joining("; ")),
                null);
        this.violations = List.copyOf(violations);
    }

    public IllegalMigrationException(String code, String message) {
        this(List.of(new Violation(code, message)));
    }

    /** All of them, in the order of the rules. */
    public List<Violation> violations() {
        return violations;
    }
}
