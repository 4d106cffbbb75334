package org.transhume.control.domain.host;

import java.time.Clock;
import java.util.ArrayDeque;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.function.Function;
import org.transhume.control.domain.DomainEvent;
import org.transhume.control.domain.DomainId;
import org.transhume.control.domain.EventOrigin;
import org.transhume.control.domain.EventStream;
import org.transhume.control.domain.EventsLost;
import org.transhume.control.domain.HostId;

/** Numbers the events of one domain and hands them to listeners, never waiting for one. */
final class EventPublisher implements EventStream {
    /** Events that may wait for a slow listener. */
    static final int ROOM = 1024;

    private final HostId host;
    private final Clock clock;
    private final Listeners everywhere;
    private final Listeners own = new Listeners();
    private long sequence; // guarded by this

    /** @param everywhere hear of all domains of the host */
    EventPublisher(HostId host, Clock clock, Listeners everywhere) {
        this.host = host;
        this.clock = clock;
        this.everywhere = everywhere;
    }

    /** Call it once what it tells can be seen. */
    synchronized void publish(DomainId domain, Function<EventOrigin, DomainEvent> made) {
        sequence++;
        DomainEvent event = made.apply(new EventOrigin(domain, host, clock.instant(), sequence));
        own.tell(event);
        everywhere.tell(event);
    }

    @Override
    public Subscription subscribe(Consumer<? super DomainEvent> listener) {
        return own.subscribe(listener);
    }

    /** Some listeners. */
    static final class Listeners implements EventStream {
        private final List<Queue> queues = new CopyOnWriteArrayList<>();

        @Override
        public Subscription subscribe(Consumer<? super DomainEvent> listener) {
            Queue queue = new Queue(ROOM);
            queues.add(queue);
            Thread.ofVirtual().name("domain events").start(() -> deliver(queue, listener));
            return () -> {
                queues.remove(queue);
                queue.close();
            };
        }

        void tell(DomainEvent event) {
            queues.forEach(queue -> queue.offer(event));
        }

        private static void deliver(Queue queue, Consumer<? super DomainEvent> listener) {
            for (DomainEvent event = queue.take(); event != null; event = queue.take()) {
                try {
                    listener.accept(event);
                } catch (RuntimeException e) {
                    // One event that a listener could not digest must not cost it the others.
                    Thread thread = Thread.currentThread();
                    thread.getUncaughtExceptionHandler().uncaughtException(thread, e);
                }
            }
        }
    }

    /** What one listener has still to hear. */
    static final class Queue {
        private final int room;
        private final ArrayDeque<DomainEvent> waiting = new ArrayDeque<>();
        private EventOrigin lastLost;
        private long lost;
        private boolean closed;

        Queue(int room) {
            this.room = room;
        }

        synchronized void offer(DomainEvent event) {
            // Once something is lost, so is everything until the listener has caught up: the gap is one, and told in
            // its
            // place.
            if (lost > 0 || waiting.size() == room) {
                lost++;
                lastLost = event.origin();
            } else {
                waiting.add(event);
            }
            notifyAll();
        }

        /** Waits; null once it is closed. */
        synchronized DomainEvent take() {
            while (!closed && waiting.isEmpty() && lost == 0) {
                try {
                    wait();
                } catch (InterruptedException e) {
                    closed = true;
                }
            }
            if (closed) {
                return null;
            }
            if (!waiting.isEmpty()) {
                return waiting.poll();
            }
            EventsLost gap = new EventsLost(lastLost, lost);
            lost = 0;
            return gap;
        }

        synchronized void close() {
            closed = true;
            notifyAll();
        }
    }
}
