package org.transhume.engine.outgoing;

import java.time.Duration;
import org.transhume.engine.forecast.Terms;

/** What the caller allows, and may change while the migration runs. Any thread. */
final class Limits {
    private final RateLimit rate;
    private volatile Duration downtime;
    private volatile long switchoverBandwidth;
    private volatile long maxBandwidth;
    private long maxPostcopyBandwidth; // guarded by this, as are the others
    private boolean lifted;
    private boolean postcopy;

    Limits(OutgoingConfig config, RateLimit rate) {
        this.rate = rate;
        this.downtime = config.downtimeLimit();
        this.switchoverBandwidth = config.switchoverBandwidth();
        this.maxBandwidth = config.maxBandwidth();
        this.maxPostcopyBandwidth =
                config.postcopy() == null ? 0 : config.postcopy().maxBandwidth();
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
        return new Terms(downtime.toNanos(), rate.lesser(maxBandwidth), switchoverBandwidth);
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

    /** Cap on pages that nobody asked for, once the guest has moved; 0: none. */
    synchronized void maxPostcopyBandwidth(long bytesPerSecond) {
        maxPostcopyBandwidth = bytesPerSecond;
        if (postcopy) {
            rate.set(bytesPerSecond);
        }
    }

    /** The guest has moved, and its pages follow. */
    synchronized void postcopy() {
        postcopy = true;
        rate.set(maxPostcopyBandwidth);
    }

    /** The guest is stopped: no cap may make it wait. */
    synchronized void lift() {
        lifted = true;
        rate.lift();
    }
}
