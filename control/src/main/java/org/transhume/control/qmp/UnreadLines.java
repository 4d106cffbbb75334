package org.transhume.control.qmp;

import java.util.ArrayDeque;
import java.util.Queue;

/**
 * Lines that a client has still to read: bounded in number and in bytes, so that one that never reads costs no more than
 * that. A line longer than all the room there is goes in alone. Any thread.
 */
final class UnreadLines {
    private final int mostLines;
    private final long mostBytes;
    private final Queue<byte[]> lines = new ArrayDeque<>();
    private long bytes;
    private boolean ended;

    UnreadLines(int mostLines, long mostBytes) {
        this.mostLines = mostLines;
        this.mostBytes = mostBytes;
    }

    /** Adds a line; returns false if there is no room for it now. After the end it does nothing. */
    synchronized boolean offer(byte[] line) {
        if (ended) {
            return true;
        }
        if (!lines.isEmpty() && (lines.size() == mostLines || bytes + line.length > mostBytes)) {
            return false;
        }
        lines.add(line);
        bytes += line.length;
        notifyAll();
        return true;
    }

    /** Adds a line, and waits for room. After the end it does nothing. */
    synchronized void put(byte[] line) throws InterruptedException {
        while (!offer(line)) {
            wait();
        }
    }

    /** Waits for the next line; null once all have been taken after the end. */
    synchronized byte[] take() throws InterruptedException {
        while (lines.isEmpty() && !ended) {
            wait();
        }
        byte[] line = lines.poll();
        if (line != null) {
            bytes -= line.length;
            notifyAll();
        }
        return line;
    }

    /** No more will be added; what is there may still be taken. */
    synchronized void end() {
        ended = true;
        notifyAll();
    }

    synchronized int size() {
        return lines.size();
    }
}
