package org.transhume.control.domain.host;

import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.transhume.control.domain.DomainDefinition;

/** Definitions that last as long as their process. */
public final class DefinitionsInMemory implements DefinitionStore {
    private final Map<String, DomainDefinition> definitions = new ConcurrentHashMap<>();

    @Override
    public Optional<DomainDefinition> define(DomainDefinition definition) {
        return Optional.ofNullable(definitions.put(definition.name(), definition));
    }

    @Override
    public Optional<DomainDefinition> undefine(String name) {
        return Optional.ofNullable(definitions.remove(name));
    }

    @Override
    public Optional<DomainDefinition> find(String name) {
        return Optional.ofNullable(definitions.get(name));
    }
}
