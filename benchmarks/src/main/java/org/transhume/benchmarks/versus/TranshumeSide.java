package org.transhume.benchmarks.versus;

import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** {@code transhume guest}, in a JVM with the flags of this one. */
record TranshumeSide(String heap) implements Side {
    @Override
    public String name() {
        return "Transhume";
    }

    @Override
    public List<String> command(Work work, int scale, boolean arrives, Path socket, int guests) {
        List<String> line = new ArrayList<>();
        line.add(ProcessHandle.current().info().command().orElse("java"));
        line.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
        line.add("-Xmx" + heap);
        line.addAll(List.of("-cp", System.getProperty("java.class.path"), GuestsInTurn.class.getName()));
        line.addAll(List.of(Integer.toString(guests), socket.toString()));
        line.addAll(List.of("guest", "--paused", "--ram", Long.toString(work.ram(scale))));
        if (arrives) {
            line.addAll(List.of("--incoming", "defer"));
        } else if (work.hot(scale) > 0) {
            line.add("--workload");
            line.add("sweep:rate=%d,ws=%d".formatted(Work.HOT_PAGES_A_SECOND, work.hot(scale)));
        }
        return line;
    }

    /** What was never written travels as ranges, for which QEMU's stream has no word. */
    @Override
    public List<String> capabilities(Work work) {
        return List.of("x-hole-runs");
    }

    @Override
    public long hotAt(Work work, int scale) {
        return 0;
    }
}
