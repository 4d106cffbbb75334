package org.transhume.benchmarks.pipeline;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A page allocates nothing on its way, at neither end: four times the pages allocate what a quarter of them does. */
class AllocationTest {
    private static final int MORE = 4;
    /** Until the code that runs for each page is compiled, which it takes escape analysis to be free of garbage. */
    private static final int TRIES = 80;

    private static final int FEWEST = 5;

    /** The smallest object has 16: one for every fourth page would be seen, what compilers leave in a batch of 128 is not. */
    private static final double BYTES_A_PAGE = 4;

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    @ParameterizedTest
    @CsvSource({
        "NONE,      0, RANDOM,    4096",
        "NONE,      0, ZEROS,     8192",
        "NONE,      0, UNTOUCHED, 8192",
        "NONE,      2, RANDOM,    4096",
        "NONE,      2, ZEROS,     8192",
        "NONE,      2, UNTOUCHED, 8192",
        "XBZRLE,    0, HOT,       4096",
        "XBZRLE,    2, HOT,       4096",
        "LZ4,       2, LIBRARY,   4096",
        "ZSTD,      2, LIBRARY,   2048",
        "ZLIB,      2, LIBRARY,   1024",
        "ADAPTIVE,  2, LIBRARY,   4096",
        "ADAPTIVE,  2, HOT,       4096",
    })
    void pagesAllocateNothing(PageForm form, int channels, PageContent content, int pages) throws IOException {
        try (LoopbackMigration few = new LoopbackMigration(content, form, channels, pages);
                LoopbackMigration many = new LoopbackMigration(content, form, channels, (long) MORE * pages)) {
            List<Long> ofFew = new ArrayList<>();
            List<Long> ofMany = new ArrayList<>();
            double aPage = BYTES_A_PAGE;
            for (int i = 0; i < TRIES && (i < FEWEST || aPage >= 1); i++) {
                ofFew.add(allocated(few));
                ofMany.add(allocated(many));
                aPage = (double) (lately(ofMany) - lately(ofFew)) / ((MORE - 1) * pages);
            }

            many.verify();
            assertTrue(aPage < BYTES_A_PAGE, "%.2f bytes a page; many: %s, few: %s".formatted(aPage, ofMany, ofFew));
        }
    }

    /** The middle of the last ones: the first load classes, and one of many may go its own way. */
    private static long lately(List<Long> all) {
        return all.stream()
                .skip(Math.max(0, all.size() - FEWEST))
                .sorted()
                .skip(Math.min(all.size(), FEWEST) / 2)
                .findFirst()
                .orElseThrow();
    }

    private static long allocated(LoopbackMigration migration) throws IOException {
        long before = THREADS.getTotalThreadAllocatedBytes();
        migration.run();
        return THREADS.getTotalThreadAllocatedBytes() - before;
    }
}
