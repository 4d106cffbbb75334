package org.transhume.control.domain.host;

import java.util.Optional;
import org.transhume.control.domain.DomainDefinition;

/** Where a host keeps the definitions of its persistent domains. Any thread; a change that fails throws, and changes nothing. */
public interface DefinitionStore {
    /** @return the definition that it replaced */
    Optional<DomainDefinition> define(DomainDefinition definition);

    /** @return the definition that is gone */
    Optional<DomainDefinition> undefine(String name);

    Optional<DomainDefinition> find(String name);
}
