package org.transhume.benchmarks.profile;

import java.util.List;
import java.util.regex.Pattern;

/** What a processor was at when a sample was taken, by the end of the stack. */
enum CpuKind {
    /** Memory that is touched for the first time, also by a copy of the kernel's. */
    PAGE_FAULTS("faults"),
    KERNEL_COPY("copy"),
    /** The rest of reading and writing sockets and files. */
    SOCKETS("sockets"),
    KERNEL("kernel"),
    /** Compiled by C2 or inlined there. */
    JAVA("Java"),
    /** Interpreted, or compiled by C1. */
    YOUNG_JAVA("young"),
    /** The JVM's own code, zstd, zlib. */
    NATIVE("native"),
    JIT("JIT"),
    GC("GC");

    private static final String IN_KERNEL = "_[k]";
    private static final Pattern FAULT = Pattern.compile(".*(exc_page_fault|handle_mm_fault|do_user_addr_fault).*");
    private static final Pattern COPY =
            Pattern.compile("(rep_movs|copy_user|_?copy_(to|from)|copy_page|raw_copy|memcpy|__memcpy|simple_copy).*");
    private static final Pattern INPUT_OUTPUT = Pattern.compile(
            "(tcp_|sock_|__sock|skb_|__skb|unix_stream|inet_|__sys_(send|recv)|ksys_(read|write)|vfs_|do_(readv|writev|iter)|net_rx|__x64_sys_(read|write|send|recv)).*");

    private final String title;

    CpuKind(String title) {
        this.title = title;
    }

    String title() {
        return title;
    }

    static CpuKind of(ThreadWork thread, List<String> frames) {
        String leaf = frames.isEmpty() ? "" : frames.getLast();
        if (thread.compiles()) {
            return JIT;
        }
        if (thread.collects()) {
            return GC;
        }
        if (leaf.endsWith(IN_KERNEL)) {
            return kernel(frames, leaf);
        }
        if (leaf.endsWith("_[j]") || leaf.endsWith("_[i]")) {
            return JAVA;
        }
        return leaf.endsWith("_[0]") || leaf.endsWith("_[1]") ? YOUNG_JAVA : NATIVE;
    }

    private static CpuKind kernel(List<String> frames, String leaf) {
        // A copy that faults is a fault: the memory it goes to was not there yet.
        if (any(frames, FAULT)) {
            return PAGE_FAULTS;
        }
        if (COPY.matcher(leaf).matches()) {
            return KERNEL_COPY;
        }
        return any(frames, INPUT_OUTPUT) ? SOCKETS : KERNEL;
    }

    private static boolean any(List<String> frames, Pattern pattern) {
        return frames.stream()
                .anyMatch(frame ->
                        frame.endsWith(IN_KERNEL) && pattern.matcher(frame).matches());
    }
}
