package org.transhume.engine.outgoing;

import java.io.IOException;
import java.util.List;
import org.transhume.engine.Clock;

/** Lanes that work in the scanner's own thread, batch by batch in turn: nothing is handed over. */
final class InlineLanes implements LaneGroup {
    private final List<? extends Lane> lanes;
    private final RateLimit rate;
    private final SendMeter meter;
    private final PageBatch batch = new PageBatch();
    private int next;

    InlineLanes(List<? extends Lane> lanes, RateLimit rate, Clock clock) {
        this.lanes = lanes;
        this.meter = new SendMeter(clock);
        this.rate = rate;
    }

    @Override
    public PageBatch claim() {
        return batch;
    }

    @Override
    public void publish() throws IOException {
        Lane lane = lanes.get(next);
        next = (next + 1) % lanes.size();
        long before = lane.bytes();
        meter.begin(unsent());
        lane.send(batch);
        long bytes = lane.bytes() - before;
        meter.end(batch.content, bytes, unsent());
        rate.settle(batch.reserved, bytes);
    }

    private long unsent() {
        long sum = 0;
        for (Lane lane : lanes) {
            sum += lane.unsent();
        }
        return sum;
    }

    @Override
    public List<SendMeter> meters() {
        return List.of(meter);
    }

    @Override
    public void sync(long number) throws IOException {
        batch.number = number;
        for (Lane lane : lanes) {
            lane.sync(batch);
        }
    }

    @Override
    public int lanes() {
        return lanes.size();
    }

    @Override
    public void close() {
        for (Lane lane : lanes) {
            lane.close();
        }
    }
}
