package org.transhume.benchmarks.guard;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.util.Locale;
import org.transhume.benchmarks.pipeline.LoopbackMigration;
import org.transhume.benchmarks.pipeline.PageContent;
import org.transhume.benchmarks.pipeline.PageForm;

/** Whole migrations beside copies of the same memory, in turn, as CPU time of the process: both ends, and the kernel's part of it. */
enum Pipeline {
    PIPELINE_MAIN(PageContent.RANDOM, 0),
    PIPELINE_MULTIFD(PageContent.RANDOM, 2),
    PIPELINE_ZEROS(PageContent.ZEROS, 2);

    private static final int PAGES = 1 << 14; // 64 MiB, which no cache holds
    private static final int FIRST_TURNS = 2;
    /** The clock ticks in steps of 10 ms: a turn has to take many. */
    private static final int COPIES = 16;

    private static final int MIGRATIONS = 4;
    /** A turn is longer than a kernel's. */
    private static final int FEWER_TURNS = 4;

    private static final OperatingSystemMXBean PROCESS =
            (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

    private final PageContent content;
    private final int channels;

    Pipeline(PageContent content, int channels) {
        this.content = content;
        this.channels = channels;
    }

    String id() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** Of the copy's time to the migration's. */
    Ratios ratios(int turns) throws IOException {
        double[] ratios = new double[Math.ceilDiv(turns, FEWER_TURNS)];
        try (Arena arena = Arena.ofConfined();
                LoopbackMigration migration = new LoopbackMigration(content, PageForm.NONE, channels, PAGES)) {
            MemorySegment from = arena.allocate((long) PAGES << 12, 1 << 12).fill((byte) 1);
            MemorySegment to = arena.allocate((long) PAGES << 12, 1 << 12).fill((byte) 2);
            for (int i = -FIRST_TURNS; i < ratios.length; i++) {
                long start = PROCESS.getProcessCpuTime();
                for (int copy = 0; copy < COPIES; copy++) {
                    to.copyFrom(from);
                }
                long between = PROCESS.getProcessCpuTime();
                for (int time = 0; time < MIGRATIONS; time++) {
                    migration.run();
                }
                long end = PROCESS.getProcessCpuTime();
                if (i >= 0) {
                    ratios[i] = (double) (between - start) / COPIES * MIGRATIONS / (end - between);
                }
            }
            migration.verify();
        }
        return new Ratios(ratios);
    }
}
