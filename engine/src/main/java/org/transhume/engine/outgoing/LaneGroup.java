package org.transhume.engine.outgoing;

import java.io.IOException;
import java.util.List;

/**
 * The lanes of one migration, as the scanner sees them. Claim a batch, fill it, publish it; one thread. Once a lane has
 * failed, every call throws what it failed of.
 */
interface LaneGroup extends AutoCloseable {
    /** The batch to fill next. Claiming twice without publishing gives the same one. */
    PageBatch claim();

    /** Hands the claimed batch to a lane. */
    void publish() throws IOException;

    /** Waits until every lane has sent what was published, and ends the epoch on each channel. */
    void sync(long number) throws IOException;

    int lanes();

    /** What each of its threads measures while it sends. */
    List<SendMeter> meters();

    /** Ends the lanes' threads; their connections are closed by then, or everything was sent. */
    @Override
    void close();
}
