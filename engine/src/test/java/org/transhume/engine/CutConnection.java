package org.transhume.engine;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import org.transhume.channels.Connection;
import org.transhume.channels.IoVector;
import org.transhume.channels.ThroughConnection;

/** A real connection that breaks, both ways, once a number of bytes went out or came in. */
final class CutConnection extends ThroughConnection {
    private volatile long written = Long.MAX_VALUE;
    private volatile long read = Long.MAX_VALUE;
    private volatile long answered = Long.MAX_VALUE;
    private volatile boolean broken;
    private final AnswerBytes answers = new AnswerBytes();

    CutConnection(Connection real) {
        super(real);
    }

    /** Lets {@code bytes} out, counted from the first, and no more. */
    CutConnection afterWriting(long bytes) {
        written = bytes;
        return this;
    }

    /** Breaks when more than {@code bytes} came in, counted from the first: what is beyond is lost. */
    CutConnection afterReading(long bytes) {
        read = bytes;
        return this;
    }

    /** As {@link #afterReading}, of a return path without the PONGs behind the first. */
    CutConnection afterAnswers(long bytes) {
        answered = bytes;
        return this;
    }

    /** Whether it broke here. */
    boolean broken() {
        return broken;
    }

    private IOException cut() {
        broken = true;
        real.close();
        return new IOException("cut");
    }

    @Override
    public int read(MemorySegment into, long offset, int length) throws IOException {
        int count = real.read(into, offset, length);
        long heard = count > 0 && answered != Long.MAX_VALUE ? answers.take(into, offset, count) : 0;
        if (real.bytesRead() > read || heard > answered) {
            throw cut();
        }
        return count;
    }

    @Override
    public void write(MemorySegment from, long offset, long length) throws IOException {
        long room = written - real.bytesWritten();
        if (length <= room) {
            real.write(from, offset, length);
            return;
        }
        if (room > 0) {
            real.write(from, offset, room);
        }
        throw cut();
    }

    @Override
    public void write(IoVector from) throws IOException {
        if (from.bytes() <= written - real.bytesWritten()) {
            real.write(from);
            return;
        }
        while (true) { // ends in the cut
            MemorySegment piece = from.first();
            write(piece, 0, piece.byteSize());
            from.advance(piece.byteSize());
        }
    }
}
