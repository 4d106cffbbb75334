package org.transhume.control.domain;

/** A domain came, went, stopped or went on; types and details have libvirt's numbers. */
public sealed interface LifecycleEvent extends DomainEvent {
    record Defined(EventOrigin origin, DefinedDetail detail) implements LifecycleEvent {}

    record Undefined(EventOrigin origin) implements LifecycleEvent {}

    record Started(EventOrigin origin, StartedDetail detail) implements LifecycleEvent {}

    record Suspended(EventOrigin origin, SuspendedDetail detail) implements LifecycleEvent {}

    record Resumed(EventOrigin origin, ResumedDetail detail) implements LifecycleEvent {}

    record Stopped(EventOrigin origin, StoppedDetail detail) implements LifecycleEvent {}

    /** libvirt's number of the event's type. */
    default int type() {
        return switch (this) {
            case Defined _ -> 0;
            case Undefined _ -> 1;
            case Started _ -> 2;
            case Suspended _ -> 3;
            case Resumed _ -> 4;
            case Stopped _ -> 5;
        };
    }

    /** libvirt's number of the detail. */
    default int detailCode() {
        return switch (this) {
            case Defined defined -> defined.detail().code();
            case Undefined _ -> 0; // REMOVED
            case Started started -> started.detail().code();
            case Suspended suspended -> suspended.detail().code();
            case Resumed resumed -> resumed.detail().code();
            case Stopped stopped -> stopped.detail().code();
        };
    }
}
