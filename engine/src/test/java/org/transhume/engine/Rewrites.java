package org.transhume.engine;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import org.transhume.engine.guest.SyntheticGuest;
import org.transhume.engine.outgoing.OutgoingMigration;
import org.transhume.memory.DirtyBitmap;
import org.transhume.memory.PageSize;
import org.transhume.memory.WriterMarks;

/**
 * Rewrites pages of the third quarter of a guest's RAM at every pass, on the migration's own thread: a few bytes, everything,
 * zeroes and back, or nothing at all. Keeps the migration going for a number of passes, if its downtime limit is 0, and then
 * lets it end.
 */
class Rewrites implements MigrationObserver {
    /** What a migration starts with that is to go on until this lets it end. */
    static final Duration NO_PAUSE = Duration.ZERO;

    static final int FEW_BYTES = 64;
    static final int EVERYTHING = 8;
    static final int ZEROES = 8;
    static final int NOTHING = 16;

    private static final VarHandle BYTE = ValueLayout.JAVA_BYTE.varHandle();
    private static final Duration ANY_PAUSE = Duration.ofSeconds(10);
    private static final int CHANGED_BYTES = 3;
    private static final byte[] TEXT =
            "What travels is smaller than what was written. ".getBytes(StandardCharsets.US_ASCII);

    final CompletableFuture<OutgoingMigration> migration = new CompletableFuture<>();

    private final SyntheticGuest guest;
    private final int passes;
    private final Random random;
    private final long first;
    private final Set<Long> written = new TreeSet<>();
    private boolean started;

    /** @param passes to go on for; the guest's third quarter is filled with text */
    Rewrites(SyntheticGuest guest, int passes, long seed) {
        this.guest = guest;
        this.passes = passes;
        this.random = new Random(seed);
        this.first = pages() / 2;
        for (long page = first; page < first + pages() / 4; page++) {
            text(page);
        }
    }

    private long pages() {
        return Guests.ram(guest).byteSize() / PageSize.BYTES;
    }

    @Override
    public void pass(int number) {
        started = true; // the first comes when the dirty source was started
        if (number < passes) {
            rewrite(number);
        } else if (number == passes) {
            migration.join().downtimeLimit(ANY_PAUSE);
        }
    }

    @Override
    public void state(MigrationState state) {
        if (started && state instanceof MigrationState.Device) {
            rewrite(passes);
        }
    }

    private void rewrite(int number) {
        long page = first;
        for (int i = 0; i < FEW_BYTES; i++, page++) {
            for (int b = 0; b < CHANGED_BYTES; b++) {
                at(page).set(ValueLayout.JAVA_BYTE, random.nextInt(PageSize.BYTES), (byte) random.nextInt());
            }
            wrote(page);
        }
        for (int i = 0; i < EVERYTHING; i++, page++) {
            byte[] noise = new byte[PageSize.BYTES];
            random.nextBytes(noise);
            at(page).copyFrom(MemorySegment.ofArray(noise));
            wrote(page);
        }
        for (int i = 0; i < ZEROES; i++, page++) {
            if ((number + i) % 3 == 0) {
                at(page).fill((byte) 0);
            } else {
                text(page);
            }
            wrote(page);
        }
        for (int i = 0; i < NOTHING; i++, page++) {
            long at = page * PageSize.BYTES;
            // Volatile: else the compiler sees that nothing changes, and nothing is written.
            BYTE.setVolatile(Guests.ram(guest), at, (byte) BYTE.getVolatile(Guests.ram(guest), at));
            wrote(page);
        }
    }

    private MemorySegment at(long page) {
        return Guests.ram(guest).asSlice(page * PageSize.BYTES, PageSize.BYTES);
    }

    private void text(long page) {
        byte[] text = new byte[PageSize.BYTES];
        for (int i = 0; i < PageSize.BYTES; i++) {
            text[i] = TEXT[(int) (page + i) % TEXT.length];
        }
        at(page).copyFrom(MemorySegment.ofArray(text));
    }

    private void wrote(long page) {
        if (guest.dirtySource() instanceof WriterMarks marks) {
            marks.mark(0, page);
        }
        written.add(page);
    }

    /** Pages written during a migration that has failed, and that a new start of the marks does not tell. */
    Set<Long> forgotten() {
        Set<Long> forgotten = new TreeSet<>(written);
        WriterMarks marks = (WriterMarks) guest.dirtySource();
        try (DirtyBitmap told = new DirtyBitmap(pages())) {
            marks.start();
            marks.harvest(0, told);
            marks.stop();
            marks.restore(0, told);
            forgotten.removeIf(told::isMarked);
        }
        return forgotten;
    }
}
