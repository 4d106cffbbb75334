package org.transhume.engine.outgoing;

import java.time.Duration;
import org.transhume.engine.forecast.Terms;

/** What the caller allows, and may change while the migration runs. Any thread. */
final class Limits {
    private final RateLimit rate;
    private volatile Duration downtime;
    private volatile long switchoverBandwidth;
    private volatile long maxBandwidth;
    private boolean lifted; // guarded by this

    Limits(OutgoingConfig config, RateLimit rate) {
        this.rate = rate;
        this.downtime = config.downtimeLimit();
        this.switchoverBandwidth = config.switchoverBandwidth();
        this.maxBandwidth = config.maxBandwidth();
    }

    /** Longest pause to aim for. */
    Duration downtime() {
        return downtime;
    }

    void downtime(Duration limit) {
        downtime = limit;
    }

    /** Bytes per second to assume for the last pages; 0: as measured. */
    long switchoverBandwidth() {
        return switchoverBandwidth;
    }

    void switchoverBandwidth(long bytesPerSecond) {
        switchoverBandwidth = bytesPerSecond;
    }

    /** All of it, as the forecast wants it. */
    Terms terms() {
        return new Terms(downtime.toNanos(), maxBandwidth, switchoverBandwidth);
    }

    /** Cap in bytes per second while the guest runs; 0: none. */
    long maxBandwidth() {
        return maxBandwidth;
    }

    /** Acts at once, but not on a guest that is stopped. */
    synchronized void maxBandwidth(long bytesPerSecond) {
        maxBandwidth = bytesPerSecond;
        if (!lifted) {
            rate.set(bytesPerSecond);
        }
    }

    /** The guest is stopped: no cap may make it wait. */
    synchronized void lift() {
        lifted = true;
        rate.set(0);
    }
}
