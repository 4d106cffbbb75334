package org.transhume.control.domain;

/** A domain came, went, stopped or went on; types and details have libvirt's numbers. */
public sealed interface LifecycleEvent extends DomainEvent {
    /** libvirt's number of the event's type. */
    int type();

    /** libvirt's number of the detail. */
    int detailCode();

    record Defined(EventOrigin origin, DefinedDetail detail) implements LifecycleEvent {
        @Override
        public int type() {
            return 0;
        }

        @Override
        public int detailCode() {
            return detail.code();
        }
    }

    record Undefined(EventOrigin origin) implements LifecycleEvent {
        @Override
        public int type() {
            return 1;
        }

        /** REMOVED. */
        @Override
        public int detailCode() {
            return 0;
        }
    }

    record Started(EventOrigin origin, StartedDetail detail) implements LifecycleEvent {
        @Override
        public int type() {
            return 2;
        }

        @Override
        public int detailCode() {
            return detail.code();
        }
    }

    record Suspended(EventOrigin origin, SuspendedDetail detail) implements LifecycleEvent {
        @Override
        public int type() {
            return 3;
        }

        @Override
        public int detailCode() {
            return detail.code();
        }
    }

    record Resumed(EventOrigin origin, ResumedDetail detail) implements LifecycleEvent {
        @Override
        public int type() {
            return 4;
        }

        @Override
        public int detailCode() {
            return detail.code();
        }
    }

    record Stopped(EventOrigin origin, StoppedDetail detail) implements LifecycleEvent {
        @Override
        public int type() {
            return 5;
        }

        @Override
        public int detailCode() {
            return detail.code();
        }
    }
}
