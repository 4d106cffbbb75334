package org.transhume.control.domain.spec;

import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/** A migration in libvirt's dialect. */
public record TypedMigration(Set<MigrationFlag> flags, List<TypedParameter> parameters) {
    public TypedMigration {
        EnumSet<MigrationFlag> copy = EnumSet.noneOf(MigrationFlag.class);
        copy.addAll(flags);
        flags = java.util.Collections.unmodifiableSet(copy);
        parameters = List.copyOf(parameters);
    }
}
