package org.transhume.control.domain;

/** Something that happened to a domain. */
public sealed interface DomainEvent permits LifecycleEvent, JobEvent, EventsLost {
    EventOrigin origin();
}
