package org.transhume.control.domain;

import org.transhume.control.domain.error.DomainException;
import org.transhume.control.domain.spec.MigrationSpec;

/** The phases that the host does where the guest arrives. */
public interface MigrationDestination {
    /**
     * Makes room for the guest, and listens for it.
     *
     * @param definition from Begin
     * @throws DomainException if there is none; nothing is left then
     */
    PrepareReply prepare(JobId job, DomainDefinition definition, MigrationSpec spec, Cookie fromBegin);

    /**
     * Starts the guest, or gives the room free again. May be called again, by whoever did not hear the answer, and answers as it
     * did the first time.
     *
     * @param cancelled the guest is not to run here
     * @throws DomainException if it cannot run here; nothing is left of it then
     */
    FinishReply finish(JobId job, Cookie fromPerform, boolean cancelled);
}
