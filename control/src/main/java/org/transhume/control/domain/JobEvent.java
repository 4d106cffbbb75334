package org.transhume.control.domain;

import org.transhume.control.domain.error.DomainException;
import org.transhume.control.domain.stats.JobStats;

/** What a domain's job does. */
public sealed interface JobEvent extends DomainEvent {
    /** At the source, at the start of each pass over memory, 1 and up. */
    record MigrationIteration(EventOrigin origin, int iteration) implements JobEvent {}

    record PhaseChanged(EventOrigin origin, JobId job, JobPhase phase) implements JobEvent {}

    /** At the source, with what a look at the completed figures would give. */
    record JobCompleted(EventOrigin origin, JobStats stats) implements JobEvent {}

    /** libvirt has no such event. */
    record JobFailed(EventOrigin origin, DomainException cause, JobStats stats) implements JobEvent {}
}
