package org.transhume.benchmarks.profile;

import java.util.List;
import java.util.regex.Pattern;

/**
 * Threads that do the same work, by name: those of the JVM by their task, all others by their name with numbers left out. The
 * kernel cuts names after 15 characters.
 */
record ThreadWork(String name, boolean compiles, boolean collects) {
    private static final Pattern NUMBER = Pattern.compile("\\d+");
    private static final Pattern TID = Pattern.compile(" tid=\\d+$");

    private record Known(Pattern names, ThreadWork group) {
        Known(String names, String group, boolean compiles, boolean collects) {
            this(Pattern.compile(names), new ThreadWork(group, compiles, collects));
        }
    }

    private static final List<Known> KNOWN = List.of(
            new Known("C2 Comp.*", "C2 compiler", true, false),
            new Known("C1 Comp.*", "C1 compiler", true, false),
            new Known("GC Thread.*|G1 .*|Shenandoah.*|Z[A-Z].*", "GC", false, true),
            new Known(
                    "VM (Thread|Periodic).*|Signal Dispatch.*|Monitor Deflat.*|Service Thread.*|.*Sweeper.*",
                    "VM",
                    false,
                    false));

    /** @param thread as the profiler writes it, {@code name tid=number} */
    static ThreadWork of(String thread) {
        String name = TID.matcher(thread).replaceFirst("");
        for (Known known : KNOWN) {
            if (known.names.matcher(name).matches()) {
                return known.group;
            }
        }
        return new ThreadWork(NUMBER.matcher(name).replaceAll("N"), false, false);
    }
}
