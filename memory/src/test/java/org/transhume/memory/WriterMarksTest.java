package org.transhume.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

class WriterMarksTest extends DirtySourceContract {
    @Override
    DirtySource source(GuestMemory memory) {
        return new WriterMarks(memory);
    }

    @Override
    void wrote(DirtySource source, int block, long page) {
        ((WriterMarks) source).mark(block, page);
    }

    @Test
    void takesRangesAndForgetsWhatIsMarkedWhileNoMigrationRuns() {
        try (GuestMemory memory = memory(RamKind.ANONYMOUS, 64 * PAGE);
                WriterMarks source = new WriterMarks(memory)) {
            source.markRange(0, 1, 5);
            source.start();
            source.markRange(0, 20, 3);

            assertEquals(List.of(20L, 21L, 22L), harvested(source, 0, 64));
        }
    }
}
