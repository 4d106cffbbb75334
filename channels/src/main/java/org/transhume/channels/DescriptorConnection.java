package org.transhume.channels;

import static org.transhume.channels.SystemCalls.EAGAIN;
import static org.transhume.channels.SystemCalls.EINTR;
import static org.transhume.channels.SystemCalls.POLLIN;
import static org.transhume.channels.SystemCalls.POLLOUT;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.transhume.channels.SystemCalls.Frame;

/** The one kind of connection there is: a descriptor to read from, one to write to, perhaps the same, perhaps missing. */
final class DescriptorConnection implements Connection {
    /** Most bytes of one plain write: a close waits no longer than this takes on a file. */
    private static final long CHUNK = 64L << 20;

    private final Descriptor in;
    private final Descriptor out;
    private final Command command;
    private final String peer;
    private final Frame reading = new Frame();
    private final Frame writing = new Frame();
    private final Frame looking = new Frame();
    private final WaitLimit readLimit = new WaitLimit("sent nothing");
    private final WaitLimit writeLimit = new WaitLimit("took no byte");
    // Each has one writer, so a plain read and a release store make an increment; any thread may look.
    private final AtomicLong bytesRead = new AtomicLong();
    private final AtomicLong bytesWritten = new AtomicLong();
    /** Set before the first descriptor is closed: a command dies of that, and its death must not pass for the peer's. */
    private volatile boolean closing;

    private DescriptorConnection(Descriptor in, Descriptor out, Command command, String peer) {
        this.in = in;
        this.out = out;
        this.command = command;
        this.peer = peer;
    }

    static Connection socket(Descriptor socket, String peer) {
        return new DescriptorConnection(socket, socket, null, peer);
    }

    static Connection incoming(Descriptor in, String peer) {
        return new DescriptorConnection(in, null, null, peer);
    }

    static Connection outgoing(Descriptor out, String peer) {
        return new DescriptorConnection(null, out, null, peer);
    }

    static Connection command(Descriptor itsOutput, Descriptor itsInput, Command command) {
        return new DescriptorConnection(itsOutput, itsInput, command, command.toString());
    }

    @Override
    public int read(MemorySegment into, long offset, int length) throws IOException {
        if (length < 1 || into.isReadOnly()) {
            throw new IllegalArgumentException(
                    "cannot read " + length + " bytes into " + into + "; give at least one writable byte");
        }
        return (int) transfer(false, IoVector.nativeAddress(into, offset, length), length);
    }

    @Override
    public long read(IoVector into) throws IOException {
        if (into.size() == 0 || into.readOnly()) {
            throw new IllegalArgumentException("the vector to read into is empty or holds read-only memory");
        }
        long n = transfer(true, into.address(), into.size());
        if (n > 0) {
            into.advance(n);
        }
        return n;
    }

    @Override
    public boolean awaitReadable(int millis) throws IOException {
        enterInput();
        try {
            long start = System.nanoTime();
            long left = millis;
            do {
                if (in.await(reading, POLLIN, (int) left)) {
                    return true;
                }
                left = millis - (System.nanoTime() - start) / 1_000_000;
            } while (left > 0);
            return false;
        } finally {
            in.leave();
        }
    }

    private int enterInput() throws IOException {
        if (in == null) {
            throw new IOException(peer + " was opened for writing; there is nothing to read from it");
        }
        return in.enter();
    }

    /** Reads to {@code length} bytes at {@code address}, or to an array of {@code length} pieces there. */
    private long transfer(boolean scattered, long address, int length) throws IOException {
        int fd = enterInput();
        readLimit.progress();
        try {
            while (true) {
                long n = scattered
                        ? SystemCalls.readv(reading, fd, address, length)
                        : SystemCalls.read(reading, fd, address, length);
                if (n > 0) {
                    bytesRead.setRelease(bytesRead.getPlain() + n);
                    return n;
                }
                if (n == 0) {
                    checkNotClosing();
                    return -1;
                }
                if (n == -EAGAIN) {
                    readLimit.await(in, reading, POLLIN, peer, bytesRead.getPlain());
                } else if (n == -EINTR) {
                    in.checkOpen();
                } else {
                    checkNotClosing();
                    throw SystemCalls.failure(
                            "Unable to read from " + peer + " after " + bytesRead + " bytes", (int) -n);
                }
            }
        } finally {
            in.leave();
        }
    }

    @Override
    public void write(MemorySegment from, long offset, long length) throws IOException {
        long address = IoVector.nativeAddress(from, offset, length);
        int fd = enterOutput();
        try {
            long done = 0;
            while (done < length) {
                done += wrote(SystemCalls.write(writing, fd, address + done, Math.min(length - done, CHUNK)));
            }
        } finally {
            out.leave();
        }
    }

    @Override
    public void write(IoVector from) throws IOException {
        int fd = enterOutput();
        try {
            while (from.size() > 0) {
                from.advance(wrote(SystemCalls.writev(writing, fd, from.address(), from.size())));
            }
        } finally {
            out.leave();
        }
    }

    private int enterOutput() throws IOException {
        if (out == null) {
            throw new IOException(peer + " was opened for reading; it takes no bytes");
        }
        return out.enter();
    }

    /** Counts what a call wrote; where it wrote nothing, waits until the next one may. */
    private long wrote(long n) throws IOException {
        if (n >= 0) {
            bytesWritten.setRelease(bytesWritten.getPlain() + n);
            writeLimit.progress();
            out.checkOpen();
            return n;
        }
        if (n == -EAGAIN) {
            writeLimit.await(out, writing, POLLOUT, peer, bytesWritten.getPlain());
        } else if (n == -EINTR) {
            out.checkOpen();
        } else {
            checkNotClosing();
            throw SystemCalls.failure("Unable to write to " + peer + " after " + bytesWritten + " bytes", (int) -n);
        }
        return 0;
    }

    @Override
    public void limitReads(String channel, Duration limit) {
        readLimit.set(channel, limit);
    }

    @Override
    public void limitWrites(String channel, Duration limit) {
        writeLimit.set(channel, limit);
    }

    private void checkNotClosing() throws ConnectionClosedException {
        if (closing) {
            throw new ConnectionClosedException(peer);
        }
    }

    @Override
    public void finishWriting() throws IOException {
        if (out != in) {
            if (out != null) {
                out.close();
            }
            return;
        }
        int fd = out.enter();
        try {
            SystemCalls.check(SystemCalls.shutdownWriting(writing, fd), "Unable to finish writing to " + peer);
        } finally {
            out.leave();
        }
    }

    @Override
    public void awaitEnd(Duration limit) throws IOException {
        if (command != null) {
            command.awaitEnd(limit);
        }
    }

    @Override
    public boolean bidirectional() {
        return in != null && out != null;
    }

    @Override
    public long bytesRead() {
        return bytesRead.getAcquire();
    }

    @Override
    public long bytesWritten() {
        return bytesWritten.getAcquire();
    }

    @Override
    public long unsent() {
        if (!bidirectional() || in != out) {
            return 0; // not a socket
        }
        try {
            int fd = out.enter();
            try {
                return Math.max(0, SystemCalls.unsent(looking, fd));
            } finally {
                out.leave();
            }
        } catch (ConnectionClosedException e) {
            return 0;
        }
    }

    @Override
    public String peer() {
        return peer;
    }

    @Override
    public void close() {
        closing = true;
        boolean first = in != null && in.close();
        if (out != null && out != in) {
            first |= out.close();
        }
        if (command != null && first) {
            command.end();
        }
    }

    @Override
    public String toString() {
        return "connection with " + peer;
    }
}
