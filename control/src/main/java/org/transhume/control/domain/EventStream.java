package org.transhume.control.domain;

import java.util.function.Consumer;

/**
 * The events of one domain on one host: in order, each with the next number. A change can be seen in
 * {@link Domain#state} before its event arrives.
 */
public interface EventStream {
    /**
     * Has {@code listener} hear of what happens from here on, in a thread of its own and under no lock. It may be slow: what it
     * cannot take in time is told as {@link EventsLost}.
     */
    Subscription subscribe(Consumer<? super DomainEvent> listener);

    /** Ends with {@link #close}; a call under way still comes to its end. */
    interface Subscription extends AutoCloseable {
        @Override
        void close();
    }
}
