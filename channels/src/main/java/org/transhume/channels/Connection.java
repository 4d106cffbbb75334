package org.transhume.channels;

import java.io.Closeable;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.time.Duration;

/**
 * A byte stream to a peer, over a file descriptor. Calls block. One thread at a time may read and one may write; any
 * thread may {@linkplain #close close}, which makes both of them return at once with a {@link ConnectionClosedException}.
 *
 * <p>Bytes go between the descriptor and the caller's memory in one system call, with nothing copied or allocated in
 * between. Memory must be native, and it is the caller who keeps it alive and mapped until the call returns: its address
 * is taken once, its arena is not held.
 */
public interface Connection extends Closeable {

    /**
     * Reads what there is, at least one byte, waiting for it if need be.
     *
     * @param length at least 1
     * @return bytes read, 1..length, or -1 at the end of the stream
     */
    int read(MemorySegment into, long offset, int length) throws IOException;

    /**
     * Scatters what there is over {@code into}, at least one byte, and advances the vector past it.
     *
     * @param into not empty
     * @return bytes read, or -1 at the end of the stream
     */
    long read(IoVector into) throws IOException;

    /**
     * Waits until a read would not block: bytes are there, or the end of the stream is. Belongs to the reading thread.
     *
     * @param millis 0 and more
     * @return false if nothing came in that time
     */
    boolean awaitReadable(int millis) throws IOException;

    /** Writes all of it. After an error it is unknown how much of it the peer has. */
    void write(MemorySegment from, long offset, long length) throws IOException;

    /** Writes all of it, gathered straight from memory; the vector is empty afterwards. */
    void write(IoVector from) throws IOException;

    /**
     * Tells the peer that nothing more will come: half closes a socket, closes the output of anything else. What the peer
     * still has to say can be read. Belongs to the writing thread.
     */
    void finishWriting() throws IOException;

    /**
     * Waits until whoever takes the bytes has done so, where that can be known: a command must end with status 0. For
     * everything else it returns at once. Call it after {@link #finishWriting}, with the answer read to its end.
     *
     * @throws IOException if the command failed, or still runs after {@code limit}
     */
    void awaitEnd(Duration limit) throws IOException;

    /**
     * Limits how long a read waits for its first byte; one that would have to wait longer fails with a
     * {@link StalledException}. Belongs to the reading thread. A connection that never waits does without.
     *
     * @param channel how that error names this connection
     * @param limit zero: for ever, as at first
     */
    default void limitReads(String channel, Duration limit) {}

    /**
     * Limits how long a write waits for the peer to take one more byte, as {@link #limitReads} does for reads. Belongs to the
     * writing thread.
     */
    default void limitWrites(String channel, Duration limit) {}

    /** Whether the peer can answer on this connection: there is something to write to and something to read from. */
    boolean bidirectional();

    /** Bytes read so far. Any thread. */
    long bytesRead();

    /** Bytes handed to the kernel so far. Any thread. */
    long bytesWritten();

    /**
     * Bytes of these that wait here because the path or the peer is slower, as far as the kernel can tell; 0 where it cannot.
     * Any thread, one at a time.
     */
    default long unsent() {
        return 0;
    }

    /** Names the other end in messages. */
    String peer();

    /**
     * Gives the descriptor back and wakes whoever waits on it. Idempotent, any thread. A TCP peer that still has bytes of
     * ours to read may lose them if we did not read all of its own: finish, read to the end, then close. A command gets
     * two seconds to end by itself, then it is killed; its status counts in {@link #awaitEnd} only.
     */
    @Override
    void close();
}
