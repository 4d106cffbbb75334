package org.transhume.engine.outgoing;

import java.io.IOException;
import java.util.List;

/** Lanes that work in the scanner's own thread, batch by batch in turn: nothing is handed over. */
final class InlineLanes implements LaneGroup {
    private final List<? extends Lane> lanes;
    private final RateLimit rate;
    private final PageBatch batch = new PageBatch();
    private int next;

    InlineLanes(List<? extends Lane> lanes, RateLimit rate) {
        this.lanes = lanes;
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
        lane.send(batch);
        rate.settle(batch.reserved, lane.bytes() - before);
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
