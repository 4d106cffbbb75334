package org.transhume.engine.outgoing;

import org.transhume.engine.Guest;

/**
 * Decides whether a guest that writes its memory faster than pages are sent is slowed down, and how. One for each migration; it
 * is called by the migration's thread, and {@link #percent} by anyone.
 */
public interface ThrottlePolicy {
    /** Leaves every guest alone. */
    ThrottlePolicy NONE = new ThrottlePolicy() {
        @Override
        public void judge(Guest guest, long dirtied, long sent) {}

        @Override
        public void lift(Guest guest) {}
    };

    /**
     * Looks at the time since it was last asked, or since the first page: more than a second. Asked when the dirty source has
     * told what was written, and slows {@code guest} down if it has to.
     *
     * @param dirtied bytes of pages that the guest wrote
     * @param sent bytes on all channels
     */
    void judge(Guest guest, long dirtied, long sent);

    /** The migration is over, whatever came of it: {@code guest} may run as fast as before. Called once. */
    void lift(Guest guest);

    /** Percentage by which all of the guest is slowed down now, 0..99. */
    default int percent() {
        return 0;
    }

    /** Whether the dirty source has to be asked every five seconds at least, so that there is something to judge. */
    default boolean forcesHarvests() {
        return false;
    }
}
