package org.transhume.channels;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.transhume.channels.SystemCalls.Frame;

/** How long one direction of a connection waits for its peer. The thread of that direction. */
final class WaitLimit {
    private final String says;
    private String channel = "";
    private long limitNanos;
    private boolean waiting;
    private long since;

    /** @param says what the peer does not do, e.g. "took no byte" */
    WaitLimit(String says) {
        this.says = says;
    }

    void set(String channel, Duration limit) {
        this.channel = channel;
        this.limitNanos = limit.toNanos();
        waiting = false;
    }

    /** The peer did something: the time begins again. */
    void progress() {
        waiting = false;
    }

    /**
     * Waits for {@code events}, perhaps for nothing; the caller tries again.
     *
     * @param bytes that went through so far
     * @throws StalledException if the limit is over, and the try before this was in vain all the same
     */
    void await(Descriptor descriptor, Frame frame, short events, String peer, long bytes) throws IOException {
        if (limitNanos == 0) {
            descriptor.await(frame, events, -1);
            return;
        }
        long now = System.nanoTime();
        if (!waiting) {
            waiting = true;
            since = now;
        }
        long left = limitNanos - (now - since);
        if (left <= 0) {
            throw new StalledException("%s: %s %s for %s s after %d bytes; it hangs, or the way to it is cut"
                    .formatted(channel, peer, says, seconds(now - since), bytes));
        }
        descriptor.await(frame, events, (int) Math.min(Integer.MAX_VALUE, TimeUnit.NANOSECONDS.toMillis(left) + 1));
    }

    private static String seconds(long nanos) {
        long millis = TimeUnit.NANOSECONDS.toMillis(nanos);
        return millis >= 10_000 ? Long.toString(millis / 1000) : "%d.%d".formatted(millis / 1000, millis % 1000 / 100);
    }
}
