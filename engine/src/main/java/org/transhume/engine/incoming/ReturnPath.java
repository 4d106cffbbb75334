package org.transhume.engine.incoming;

import java.io.IOException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.transhume.channels.Connection;
import org.transhume.channels.qemu.ReceivedPages;
import org.transhume.channels.qemu.ReturnPathMessage;
import org.transhume.channels.qemu.StreamWriter;
import org.transhume.memory.PageSize;

/** The way back to the source, once it opened one (spec: stream.md §7.2). Any thread may send: messages go out whole. */
final class ReturnPath implements AutoCloseable {
    private static final long LAST_WORD_SECONDS = 1;

    private final ReentrantLock lock = new ReentrantLock();
    private final StreamWriter out;
    private boolean open; // guarded by lock
    private boolean ended; // guarded by lock
    private int requestedBlock = -1; // guarded by lock

    ReturnPath(Connection connection) {
        out = new StreamWriter(connection);
    }

    /** The source listens from here on. */
    void open() {
        lock.lock();
        try {
            open = true;
        } finally {
            lock.unlock();
        }
    }

    /** Whether the source listens. */
    boolean opened() {
        lock.lock();
        try {
            return open;
        } finally {
            lock.unlock();
        }
    }

    /** Nothing is sent to a source that does not listen, or was told the end. */
    void send(ReturnPathMessage message) throws IOException {
        lock.lock();
        try {
            sendLocked(message);
        } finally {
            lock.unlock();
        }
    }

    private void sendLocked(ReturnPathMessage message) throws IOException {
        if (open && !ended) {
            message.write(out);
        }
    }

    /** Asks for a page; nothing is allocated for it. {@code name} is that of the block. */
    void request(int block, byte[] name, long offset) throws IOException {
        lock.lock();
        try {
            if (open && !ended) {
                ReturnPathMessage.writeRequest(out, block == requestedBlock ? null : name, offset, PageSize.BYTES);
                requestedBlock = block;
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * Says which pages of a block came.
     *
     * @param pages of the block
     */
    void received(String block, long pages, ReceivedPages.Source came) throws IOException {
        lock.lock();
        try {
            sendLocked(new ReturnPathMessage.ReceivedBitmap(block));
            ReceivedPages.write(out, pages, came);
            out.flush();
        } finally {
            lock.unlock();
        }
    }

    /** The last message. A source that takes no bytes, so that another message hangs on its way, does without. */
    void end(ReturnPathMessage.Shut message) throws IOException {
        try {
            if (lock.tryLock(LAST_WORD_SECONDS, TimeUnit.SECONDS)) {
                try {
                    sendLocked(message);
                    ended = true;
                } finally {
                    lock.unlock();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Frees the buffer; the connection is closed by then, so that nobody hangs in it. */
    @Override
    public void close() {
        lock.lock();
        try {
            ended = true;
            out.close();
        } finally {
            lock.unlock();
        }
    }
}
