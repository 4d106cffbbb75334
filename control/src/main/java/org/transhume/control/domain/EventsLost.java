package org.transhume.control.domain;

/** A listener was too slow to hear of {@code count} events: those up to this one's number, and it has the last of them. */
public record EventsLost(EventOrigin origin, long count) implements DomainEvent {}
