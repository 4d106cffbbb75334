package org.transhume.engine.outgoing;

import com.lmax.disruptor.BatchEventProcessor;
import com.lmax.disruptor.BatchEventProcessorBuilder;
import com.lmax.disruptor.EventHandler;
import com.lmax.disruptor.PhasedBackoffWaitStrategy;
import com.lmax.disruptor.RingBuffer;
import com.lmax.disruptor.SequenceBarrier;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.transhume.engine.Clock;
import org.transhume.engine.ConnectionSet;
import org.transhume.engine.Crew;
import org.transhume.engine.Threads;

/** Lanes in threads of their own behind a bounded ring of batches; they share by sequence, each taking every n-th. */
final class RingLanes implements LaneGroup {
    /** Enough to keep every lane busy while the scanner looks for more; 8 MiB of pages at the most. */
    private static final int SLOTS = 16;

    private static final long SPIN_MICROS = 20;
    private static final long YIELD_MICROS = 100;
    /** Looks at a full ring less and less often, each core being the lanes'; they take longer than that for a full ring. */
    private static final long FULL_NANOS = 100_000;

    private static final long LONGEST_FULL_NANOS = 500_000;

    private static final long DRAIN_NANOS = 20_000;

    private final List<? extends Lane> lanes;
    private final RateLimit rate;
    private final ConnectionSet connections;
    private final RingBuffer<PageBatch> ring;
    private final List<SendMeter> meters;
    private final List<BatchEventProcessor<PageBatch>> processors = new ArrayList<>();
    private final List<Thread> threads = new ArrayList<>();
    private final AtomicReference<Throwable> failure = new AtomicReference<>();
    private long claimed = -1;
    private long published = -1;

    /**
     * @param connections those of the lanes, broken with this group
     * @param crew runs the lanes
     */
    RingLanes(List<? extends Lane> lanes, RateLimit rate, ConnectionSet connections, Clock clock, Crew crew) {
        this.lanes = lanes;
        this.meters = lanes.stream().map(_ -> new SendMeter(clock)).toList();
        this.rate = rate;
        this.connections = connections;
        // Few cores and more threads than that: a lane that only spins takes the time the others need.
        ring = RingBuffer.createSingleProducer(
                PageBatch::new,
                SLOTS,
                PhasedBackoffWaitStrategy.withLiteLock(SPIN_MICROS, YIELD_MICROS, TimeUnit.MICROSECONDS));
        SequenceBarrier barrier = ring.newBarrier();
        for (int i = 0; i < lanes.size(); i++) {
            BatchEventProcessor<PageBatch> processor =
                    new BatchEventProcessorBuilder().build(ring, barrier, new LaneHandler(lanes.get(i), i));
            ring.addGatingSequences(processor.getSequence());
            processors.add(processor);
        }
        for (int i = 0; i < lanes.size(); i++) {
            threads.add(crew.start("lane " + i, processors.get(i)));
        }
    }

    @Override
    public PageBatch claim() {
        if (claimed < 0) {
            // The ring's own wait looks every few microseconds, at the cost of the cores that the lanes need.
            for (long nanos = FULL_NANOS;
                    !ring.hasAvailableCapacity(1);
                    nanos = Math.min(2 * nanos, LONGEST_FULL_NANOS)) {
                LockSupport.parkNanos(nanos);
            }
            claimed = ring.next();
        }
        return ring.get(claimed);
    }

    @Override
    public void publish() throws IOException {
        published = claimed;
        claimed = -1;
        ring.publish(published);
        throwFailure();
    }

    @Override
    public void sync(long number) throws IOException {
        PageBatch order = claim();
        order.sync = true;
        order.number = number;
        publish();
        drain();
    }

    private void drain() throws IOException {
        for (BatchEventProcessor<PageBatch> processor : processors) {
            while (processor.getSequence().get() < published) {
                throwFailure();
                LockSupport.parkNanos(DRAIN_NANOS);
            }
        }
        throwFailure();
    }

    @Override
    public List<SendMeter> meters() {
        return meters;
    }

    @Override
    public int lanes() {
        return lanes.size();
    }

    private void throwFailure() throws IOException {
        Throwable cause = failure.get();
        if (cause != null) {
            throw new IOException(cause.getMessage(), cause);
        }
    }

    @Override
    public void close() {
        connections.breakAll(); // a lane that waits for its peer wakes
        for (BatchEventProcessor<PageBatch> processor : processors) {
            processor.halt();
        }
        for (Thread thread : threads) {
            Threads.join(thread);
        }
        for (Lane lane : lanes) {
            lane.close();
        }
    }

    private final class LaneHandler implements EventHandler<PageBatch> {
        private final Lane lane;
        private final int index;
        private final SendMeter meter;

        LaneHandler(Lane lane, int index) {
            this.lane = lane;
            this.index = index;
            this.meter = meters.get(index);
        }

        @Override
        public void onEvent(PageBatch batch, long sequence, boolean endOfBatch) {
            boolean mine = batch.sync || sequence % lanes.size() == index;
            if (!mine || failure.get() != null) {
                return; // after a failure the ring only has to run dry
            }
            try {
                if (batch.sync) {
                    lane.sync(batch);
                } else {
                    long before = lane.bytes();
                    meter.begin(lane.unsent());
                    lane.send(batch);
                    long bytes = lane.bytes() - before;
                    meter.end(batch.content, bytes, lane.unsent());
                    rate.settle(batch.reserved, bytes);
                }
            } catch (Throwable t) {
                failure.compareAndSet(null, t);
                rate.stop(); // what this batch reserved is never settled: the scanner must not wait for it
            }
        }
    }
}
