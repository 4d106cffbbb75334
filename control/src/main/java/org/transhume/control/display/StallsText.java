package org.transhume.control.display;

import java.io.PrintWriter;
import java.util.List;
import org.transhume.engine.stalls.StallFigures;

/** How long a guest waited for pages, for people: figures, and a picture of how long one wait took. */
final class StallsText {
    private static final double NANOS_PER_MILLI = 1e6;
    private static final int BAR = 30;
    private static final int THOUSANDS = 10; // powers of two

    private StallsText() {}

    static void print(StallFigures stalls, PrintWriter out) {
        StallFigures.Waits all = stalls.all();
        out.printf(
                "  waits       %d for pages that were missing, %s each on average, %s in all%s%n",
                all.count(),
                millis(all.meanNanos()),
                millis(all.nanos()),
                stalls.waiting() == 0 ? "" : "; threads that still wait: %d".formatted(stalls.waiting()));
        for (int vcpu = 0; vcpu < stalls.vcpus().size(); vcpu++) {
            StallFigures.Waits waits = stalls.vcpus().get(vcpu);
            out.printf("  vCPU %-6d %d waits, %s%n", vcpu, waits.count(), millis(waits.nanos()));
        }
        if (stalls.allStalledNanos() > 0) {
            out.printf("  all vCPUs   %s at once%n", millis(stalls.allStalledNanos()));
        }
        picture(stalls.latencies(), out);
    }

    private static void picture(List<Long> latencies, PrintWriter out) {
        long most = latencies.stream().mapToLong(Long::longValue).max().orElse(0);
        if (most == 0) {
            return;
        }
        int first = 0;
        while (latencies.get(first) == 0) {
            first++;
        }
        int last = latencies.size() - 1;
        while (latencies.get(last) == 0) {
            last--;
        }
        for (int bucket = first; bucket <= last; bucket++) {
            long count = latencies.get(bucket);
            // What is there is seen, however rare.
            int length = (int) Math.ceilDiv(count * BAR, most);
            out.printf("  from %6s %-" + BAR + "s %d%n", from(bucket), "#".repeat(length), count);
        }
    }

    /** Where a bucket begins: a power of two, in microseconds. */
    private static String from(int bucket) {
        int unit = Math.min(2, bucket / THOUSANDS);
        return "%d %s"
                .formatted(
                        1L << (bucket - unit * THOUSANDS),
                        List.of("us", "ms", "s").get(unit));
    }

    private static String millis(long nanos) {
        return Units.millis(nanos / NANOS_PER_MILLI);
    }
}
