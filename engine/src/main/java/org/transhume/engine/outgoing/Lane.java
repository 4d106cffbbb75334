package org.transhume.engine.outgoing;

import java.io.IOException;

/** Sends batches over one channel. Owns its buffers and counters; called by one thread at a time. */
interface Lane extends AutoCloseable {
    /** Sends the batch's pages; when it returns the batch may be filled anew. */
    void send(PageBatch batch) throws IOException;

    /** Ends an epoch on this channel: what was sent before is applied before what comes after. */
    void sync(PageBatch order) throws IOException;

    /** Bytes this lane has put on its channel. Its own thread. */
    long bytes();

    /** Bytes of its channel that wait in the socket. Its own thread. */
    long unsent();

    /** Frees the buffers; the connection is not the lane's. */
    @Override
    void close();
}
