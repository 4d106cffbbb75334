package org.transhume.control.domain;

/** A domain came, went, stopped or went on; types and details have libvirt's numbers. */
public sealed interface LifecycleEvent extends DomainEvent {
    /** libvirt's number of the event's type. */
    int type();

    /** libvirt's number of the detail. */
    int detailCode();

    record Defined(EventOrigin origin, Detail detail) implements LifecycleEvent {
        public enum Detail {
            ADDED,
            UPDATED
        }

        @Override
        public int type() {
            return 0;
        }

        @Override
        public int detailCode() {
            return switch (detail) {
                case ADDED -> 0;
                case UPDATED -> 1;
            };
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

    record Started(EventOrigin origin, Detail detail) implements LifecycleEvent {
        public enum Detail {
            BOOTED,
            MIGRATED,
            RESTORED,
            FROM_SNAPSHOT,
            WAKEUP
        }

        @Override
        public int type() {
            return 2;
        }

        @Override
        public int detailCode() {
            return switch (detail) {
                case BOOTED -> 0;
                case MIGRATED -> 1;
                case RESTORED -> 2;
                case FROM_SNAPSHOT -> 3;
                case WAKEUP -> 4;
            };
        }
    }

    record Suspended(EventOrigin origin, Detail detail) implements LifecycleEvent {
        public enum Detail {
            PAUSED,
            MIGRATED,
            IO_ERROR,
            WATCHDOG,
            RESTORED,
            FROM_SNAPSHOT,
            API_ERROR,
            POSTCOPY,
            POSTCOPY_FAILED
        }

        @Override
        public int type() {
            return 3;
        }

        @Override
        public int detailCode() {
            return switch (detail) {
                case PAUSED -> 0;
                case MIGRATED -> 1;
                case IO_ERROR -> 2;
                case WATCHDOG -> 3;
                case RESTORED -> 4;
                case FROM_SNAPSHOT -> 5;
                case API_ERROR -> 6;
                case POSTCOPY -> 7;
                case POSTCOPY_FAILED -> 8;
            };
        }
    }

    record Resumed(EventOrigin origin, Detail detail) implements LifecycleEvent {
        public enum Detail {
            UNPAUSED,
            MIGRATED,
            FROM_SNAPSHOT,
            POSTCOPY,
            POSTCOPY_FAILED
        }

        @Override
        public int type() {
            return 4;
        }

        @Override
        public int detailCode() {
            return switch (detail) {
                case UNPAUSED -> 0;
                case MIGRATED -> 1;
                case FROM_SNAPSHOT -> 2;
                case POSTCOPY -> 3;
                case POSTCOPY_FAILED -> 4;
            };
        }
    }

    record Stopped(EventOrigin origin, Detail detail) implements LifecycleEvent {
        public enum Detail {
            SHUTDOWN,
            DESTROYED,
            CRASHED,
            MIGRATED,
            SAVED,
            FAILED,
            FROM_SNAPSHOT
        }

        @Override
        public int type() {
            return 5;
        }

        @Override
        public int detailCode() {
            return switch (detail) {
                case SHUTDOWN -> 0;
                case DESTROYED -> 1;
                case CRASHED -> 2;
                case MIGRATED -> 3;
                case SAVED -> 4;
                case FAILED -> 5;
                case FROM_SNAPSHOT -> 6;
            };
        }
    }
}
