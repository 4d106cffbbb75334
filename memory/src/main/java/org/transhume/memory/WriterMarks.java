package org.transhume.memory;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * Marks set by the writer itself: works everywhere, and is as exact as the writer is honest.
 *
 * <p>Whoever writes to the guest's memory calls {@link #mark} after each write, from any thread and at any time; while
 * no migration runs that is a look at one flag.
 */
public final class WriterMarks implements DirtySource {
    /** The name by which it is asked for. */
    public static final String NAME = "marks";

    static final String COST = "writer: a call after each write, an atomic OR (7 ns) while a migration runs;"
            + " scanner: 1 to 4 ms a round for each TiB";

    private static final VarHandle RECORDING;

    static {
        try {
            RECORDING = MethodHandles.lookup().findVarHandle(WriterMarks.class, "recording", boolean.class);
        } catch (ReflectiveOperationException impossible) {
            throw new ExceptionInInitializerError(impossible);
        }
    }

    private final DirtyBitmap[] marks;

    @SuppressWarnings("unused") // by RECORDING
    private boolean recording;

    public WriterMarks(GuestMemory memory) {
        marks = new DirtyBitmap[memory.blocks().size()];
        try {
            for (int block = 0; block < marks.length; block++) {
                marks[block] = new DirtyBitmap(memory.blocks().get(block).pages());
            }
        } catch (Throwable thrown) {
            closeMarks();
            throw thrown;
        }
    }

    /** Notes that {@code page} of {@code block} was written; call it after the bytes are in place. */
    public void mark(int block, long page) {
        markRange(block, page, 1);
    }

    /** Notes that {@code count} pages from {@code first} on were written; call it after the bytes are in place. */
    public void markRange(int block, long first, long count) {
        // The bytes must be out before the flag is looked at, or start could miss both. A fence here would cost more
        // than the rest: this one only binds the compiler (x86), and start sends every thread a real one.
        VarHandle.releaseFence();
        if (!(boolean) RECORDING.getOpaque(this)) {
            return;
        }
        try {
            if (count == 1) {
                marks[block].mark(first);
            } else {
                marks[block].markRange(first, count);
            }
        } catch (IllegalStateException closed) {
            // A migration that ended between the two lines above is no concern of the writer.
            if ((boolean) RECORDING.getOpaque(this)) {
                throw closed;
            }
        }
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public String cost() {
        return COST;
    }

    @Override
    public void start() {
        RECORDING.setVolatile(this, true);
        // After this, whoever saw the flag down has its bytes out, and we read them (pairs with the fence in
        // markRange).
        Linux.fenceAllThreads();
    }

    @Override
    public long harvest(int block, DirtyBitmap into) {
        if (!(boolean) RECORDING.getOpaque(this)) {
            throw new IllegalStateException(NAME + " is not started");
        }
        return marks[block].harvest(into::markRange);
    }

    @Override
    public void restore(int block, DirtyBitmap unconfirmed) {
        marks[block].merge(unconfirmed);
    }

    @Override
    public void stop() {
        RECORDING.setVolatile(this, false);
    }

    @Override
    public void close() {
        stop();
        closeMarks();
    }

    private void closeMarks() {
        for (DirtyBitmap bitmap : marks) {
            if (bitmap != null) {
                bitmap.close();
            }
        }
    }
}
