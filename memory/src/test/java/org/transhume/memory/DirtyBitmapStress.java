package org.transhume.memory;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Description;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/**
 * A writer and a scanner meet at one page. Run by {@link DirtyBitmapOrderingTest}; there also, how to see it fail.
 *
 * <p>In each, r1 is the copy the scanner took, -1 if none, and r2 whether the page is marked when both are done.
 */
final class DirtyBitmapStress {
    private DirtyBitmapStress() {}

    @JCStressTest
    @Description("The page is marked already, the writer writes it again: either the copy is new or the mark is back.")
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "The new page was copied, and will be again.")
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "The new page was copied.")
    @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "The old page was copied; the new one is next.")
    @Outcome(id = "0, 0", expect = FORBIDDEN, desc = "The write is lost.")
    @State
    public static class RewrittenPage {
        private final DirtyBitmap bitmap = new DirtyBitmap(64, 1L << 5);
        private int page;

        @Actor
        public void writer() {
            page = 1;
            bitmap.mark(5);
        }

        @Actor
        public void scanner(II_Result result) {
            result.r1 = -1;
            bitmap.harvest((first, count) -> result.r1 = page);
        }

        @Arbiter
        public void after(II_Result result) {
            result.r2 = bitmap.isMarked(5) ? 1 : 0;
        }
    }

    @JCStressTest
    @Description("The page is clean, the writer writes and marks it: whoever takes the mark sees the bytes.")
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "The new page was copied.")
    @Outcome(id = "-1, 1", expect = ACCEPTABLE, desc = "The scanner came too early; the page is next.")
    @Outcome(expect = FORBIDDEN, desc = "The write is lost, or was not seen with its mark.")
    @State
    public static class FreshPage {
        private final DirtyBitmap bitmap = new DirtyBitmap(64, 0);
        private int page;

        @Actor
        public void writer() {
            page = 1;
            bitmap.mark(5);
        }

        @Actor
        public void scanner(II_Result result) {
            result.r1 = -1;
            bitmap.harvest((first, count) -> result.r1 = page);
        }

        @Arbiter
        public void after(II_Result result) {
            result.r2 = bitmap.isMarked(5) ? 1 : 0;
        }
    }

    @JCStressTest
    @Description("Writer and scanner meet in one word but at different pages: nobody's mark is wiped out.")
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "One page was taken, the other is marked.")
    @Outcome(id = "2, 0", expect = ACCEPTABLE, desc = "Both were taken.")
    @Outcome(expect = FORBIDDEN, desc = "A mark is lost.")
    @State
    public static class NeighbouringPages {
        private final DirtyBitmap bitmap = new DirtyBitmap(64, 1L << 9);

        @Actor
        public void writer() {
            bitmap.mark(5);
        }

        @Actor
        public void scanner(II_Result result) {
            result.r1 = (int) bitmap.harvest((first, count) -> {});
        }

        @Arbiter
        public void after(II_Result result) {
            result.r2 = (int) bitmap.count();
        }
    }

    @JCStressTest
    @Description("Two writers are the first in a stretch of the summary, in different words: both pages are found.")
    @Outcome(id = "2, 0", expect = ACCEPTABLE, desc = "Both were taken.")
    @Outcome(expect = FORBIDDEN, desc = "A mark is lost.")
    @State
    public static class FirstOfTheirStretch {
        private final DirtyBitmap bitmap = new DirtyBitmap(128, 0);

        @Actor
        public void one() {
            bitmap.mark(5);
        }

        @Actor
        public void other() {
            bitmap.mark(70);
        }

        @Arbiter
        public void after(II_Result result) {
            result.r1 = (int) bitmap.harvest((first, count) -> {});
            result.r2 = (int) bitmap.count();
        }
    }
}
