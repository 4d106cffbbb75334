package org.transhume.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** A view keeps the contract of a source, and two of them hide nothing from each other. */
class SharedSourceTest extends DirtySourceContract {
    private WriterMarks marks;

    @Override
    DirtySource source(GuestMemory memory) {
        marks = new WriterMarks(memory);
        DirtySource view = new SharedSource(memory, marks).view();
        return new Owning(view, marks);
    }

    @Override
    void wrote(DirtySource source, int block, long page) {
        marks.mark(block, page);
    }

    @Test
    void tellsEachUserWhatAnotherHarvested() {
        try (GuestMemory memory = memory(RamKind.ANONYMOUS, 64 * PAGE);
                WriterMarks written = new WriterMarks(memory)) {
            SharedSource shared = new SharedSource(memory, written);
            try (DirtySource one = shared.view();
                    DirtySource other = shared.view()) {
                one.start();
                other.start();
                written.mark(0, 3);
                List<Long> ofOne = harvested(one, 0, 64);
                written.mark(0, 5);
                List<Long> ofOther = harvested(other, 0, 64);
                one.stop();
                written.mark(0, 7);

                assertEquals(List.of(3L), ofOne);
                assertEquals(List.of(3L, 5L), ofOther);
                assertEquals(List.of(7L), harvested(other, 0, 64));
                assertThrows(IllegalStateException.class, () -> harvested(one, 0, 64));
                one.start();
                assertEquals(List.of(5L), harvested(one, 0, 64));
            }
        }
    }

    /** Users come, ask and go in any order; each is told every page that was written while it was there. */
    @Test
    void hidesNothingFromAnybodyInAnyOrder() {
        long seed = System.nanoTime();
        System.out.println("shared source, seed " + seed);
        Random random = new Random(seed);
        try (GuestMemory memory = memory(RamKind.ANONYMOUS, 64 * PAGE);
                WriterMarks written = new WriterMarks(memory)) {
            SharedSource shared = new SharedSource(memory, written);
            List<DirtySource> views = List.of(shared.view(), shared.view(), shared.view());
            List<Set<Long>> owed = List.of(new TreeSet<>(), new TreeSet<>(), new TreeSet<>());
            boolean[] there = new boolean[views.size()];
            for (int step = 0; step < 5000; step++) {
                int user = random.nextInt(views.size());
                switch (random.nextInt(6)) {
                    case 0 -> {
                        if (there[user]) {
                            views.get(user).stop();
                            owed.get(user).clear();
                        } else {
                            views.get(user).start();
                        }
                        there[user] = !there[user];
                    }
                    case 1, 2 -> {
                        if (there[user]) {
                            List<Long> told = harvested(views.get(user), 0, 64);
                            assertTrue(told.containsAll(owed.get(user)), "step %d, seed %d".formatted(step, seed));
                            owed.get(user).clear();
                        }
                    }
                    default -> {
                        long page = random.nextInt(64);
                        written.mark(0, page);
                        for (int other = 0; other < there.length; other++) {
                            if (there[other]) {
                                owed.get(other).add(page);
                            }
                        }
                    }
                }
            }
            views.forEach(DirtySource::close);
        }
    }

    @Test
    void givesWhatOneUserRestoredBackToIt() {
        try (GuestMemory memory = memory(RamKind.ANONYMOUS, 64 * PAGE);
                WriterMarks written = new WriterMarks(memory);
                DirtyBitmap unconfirmed = new DirtyBitmap(64)) {
            SharedSource shared = new SharedSource(memory, written);
            try (DirtySource one = shared.view();
                    DirtySource other = shared.view()) {
                one.start();
                unconfirmed.mark(9);
                one.restore(0, unconfirmed);
                one.stop();
                other.start();

                List<Long> ofOther = harvested(other, 0, 64);
                one.start();

                assertEquals(List.of(), ofOther);
                assertEquals(List.of(9L), harvested(one, 0, 64));
            }
        }
    }

    /** Closes the source, too, as the contract has nobody else to do it. */
    private record Owning(DirtySource view, WriterMarks marks) implements DirtySource {
        @Override
        public String name() {
            return view.name();
        }

        @Override
        public String cost() {
            return view.cost();
        }

        @Override
        public void start() {
            view.start();
        }

        @Override
        public long harvest(int block, DirtyBitmap into) {
            return view.harvest(block, into);
        }

        @Override
        public void restore(int block, DirtyBitmap unconfirmed) {
            view.restore(block, unconfirmed);
        }

        @Override
        public void stop() {
            view.stop();
        }

        @Override
        public void close() {
            view.close();
            marks.close();
        }
    }
}
