package org.transhume.control.domain;

import org.transhume.control.domain.error.HostLostException;

/** A host with domains. */
public interface Host {
    HostId id();

    /**
     * Speaks with it, until closed.
     *
     * @throws HostLostException if it cannot be reached
     */
    HostConnection connect();
}
