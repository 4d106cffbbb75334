package org.transhume.channels;

import java.io.IOException;
import java.util.concurrent.atomic.AtomicInteger;
import org.transhume.channels.SystemCalls.Frame;

/**
 * A non-blocking file descriptor that any thread may close while others use it. Users enter before a system call and
 * leave after it; closing wakes those that wait, and the last one out gives the number back. A number given back earlier
 * could already name another file when a slow user gets to its system call.
 */
final class Descriptor {
    private static final int CLOSED = Integer.MIN_VALUE;

    private final int fd;
    private final int wake; // an eventfd, readable from the close on
    private final String what;
    private final int flagsBefore;
    /**
     * Users inside, plus the bit CLOSED once it is closed. Every change is one atomic read-modify-write, so an enter either
     * comes before the close and is counted by it, or sees it.
     */
    private final AtomicInteger users = new AtomicInteger();

    private Descriptor(int fd, int wake, String what, int flagsBefore) {
        this.fd = fd;
        this.wake = wake;
        this.what = what;
        this.flagsBefore = flagsBefore;
    }

    /** Owns {@code fd}, which is non-blocking already; closes it if that fails. */
    static Descriptor own(Frame frame, int fd, String what) throws IOException {
        return own(frame, fd, what, -1);
    }

    /** Owns {@code fd}, made non-blocking for as long as we have it: others may share it. Closes it if that fails. */
    static Descriptor borrowFlags(Frame frame, int fd, String what) throws IOException {
        int flags = SystemCalls.fcntl(frame, fd, SystemCalls.F_GETFL, 0);
        if (flags >= 0) {
            SystemCalls.fcntl(frame, fd, SystemCalls.F_SETFL, flags | SystemCalls.O_NONBLOCK);
        }
        return own(frame, fd, what, flags);
    }

    private static Descriptor own(Frame frame, int fd, String what, int flagsBefore) throws IOException {
        int wake = SystemCalls.eventfd(frame);
        if (wake < 0) {
            SystemCalls.close(frame, fd);
            throw SystemCalls.failure("Unable to make an eventfd for " + what, -wake);
        }
        return new Descriptor(fd, wake, what, flagsBefore);
    }

    /** Begins a use, which {@link #leave} must end. Returns the number, good until then. */
    int enter() throws ConnectionClosedException {
        int seen;
        do {
            seen = users.get();
            if (seen < 0) {
                throw new ConnectionClosedException(what);
            }
        } while (!users.compareAndSet(seen, seen + 1));
        return fd;
    }

    void leave() {
        if (users.decrementAndGet() == CLOSED) {
            release();
        }
    }

    /** Between enter and leave: throws if it was closed meanwhile. */
    void checkOpen() throws ConnectionClosedException {
        if (users.get() < 0) {
            throw new ConnectionClosedException(what);
        }
    }

    /**
     * Between enter and leave, or before others have it: waits until {@code events} come or the time is over.
     *
     * @param millis -1 waits for ever
     * @return whether they came; false may come early
     */
    boolean await(Frame frame, short events, int millis) throws IOException {
        checkOpen();
        int n = SystemCalls.poll(frame, fd, events, wake, millis);
        if (n < 0 && n != -SystemCalls.EINTR) {
            throw SystemCalls.failure("Unable to wait for " + what, -n);
        }
        if (n > 0 && SystemCalls.woken(frame)) {
            throw new ConnectionClosedException(what);
        }
        return n > 0;
    }

    /** Returns whether this call was the one that closed it. */
    boolean close() {
        int seen;
        do {
            seen = users.get();
            if (seen < 0) {
                return false;
            }
            // Counted as a user: the eventfd must outlive the signal below.
        } while (!users.compareAndSet(seen, (seen + 1) | CLOSED));
        if (seen > 0) {
            SystemCalls.signal(new Frame(), wake);
        }
        leave();
        return true;
    }

    private void release() {
        Frame frame = new Frame();
        if (flagsBefore >= 0) {
            SystemCalls.fcntl(frame, fd, SystemCalls.F_SETFL, flagsBefore);
        }
        SystemCalls.close(frame, fd);
        SystemCalls.close(frame, wake);
    }
}
