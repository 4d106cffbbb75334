package org.transhume.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What missing pages can do for whom: asked in a process of its own, once as root without a privilege, once as nobody. */
@Timeout(60)
class UnprivilegedMissingPagesTest {
    private static final int EFAULT = 14;
    private static final int LIMIT_SECONDS = 30;
    private static final String ALL = "refusal: , waits in system calls: true, write: waits, then 8, touch: 42";
    private static final String NO_SYSTEM_CALLS =
            "refusal: , waits in system calls: false, write: -%d, touch: 42".formatted(EFAULT);

    @TempDir
    Path directory;

    @Test
    void aSystemCallWaitsForThisProcess() throws Exception {
        assumeTrue(privileged(), "not root, and vm.unprivileged_userfaultfd is 0");

        assertEquals(ALL, trial());
    }

    @Test
    void aSystemCallWaitsForWhomTheDeviceLetsIn() throws Exception {
        assumeTrue(root() && Files.exists(Path.of("/dev/userfaultfd")), "not root, or no /dev/userfaultfd");

        assertEquals(ALL, trialAs("--bounding-set", "-sys_ptrace"));
    }

    @Test
    void aSystemCallFailsForAnybodyElseButATouchWaits() throws Exception {
        assumeTrue(root() && !anybodyMay(), "not root, or anybody may have system calls wait");

        // So much is left to it that it can read this build, wherever that is.
        assertEquals(
                NO_SYSTEM_CALLS,
                trialAs(
                        "--reuid=65534",
                        "--regid=65534",
                        "--clear-groups",
                        "--inh-caps=-all,+dac_read_search",
                        "--ambient-caps=-all,+dac_read_search"));
    }

    private static boolean root() throws IOException {
        return (int) Files.getAttribute(Path.of("/proc/self"), "unix:uid") == 0
                && Files.isExecutable(Path.of("/usr/bin/setpriv"));
    }

    private static boolean anybodyMay() throws IOException {
        return Files.readString(Path.of("/proc/sys/vm/unprivileged_userfaultfd"))
                .strip()
                .equals("1");
    }

    private static boolean privileged() throws IOException {
        return root() || anybodyMay();
    }

    private String trialAs(String... privileges) throws Exception {
        List<String> before = new ArrayList<>(List.of("/usr/bin/setpriv"));
        before.addAll(List.of(privileges));
        return JavaProcess.run(directory, before, List.of(), getClass(), LIMIT_SECONDS);
    }

    /** The other process. */
    public static void main(String[] args) throws Exception {
        System.out.println(trial());
    }

    private static String trial() throws Exception {
        String refusal = MissingPages.unavailable().orElse("");
        try (GuestMemory memory = new GuestMemory(List.of(RamBlock.memfd("ram", 2 * PageSize.BYTES)));
                MissingPages missing = new MissingPages(memory);
                MissingPages.Placer placer = missing.placer();
                Arena arena = Arena.ofConfined()) {
            RamBlock block = memory.blocks().getFirst();
            MemorySegment page = arena.allocate(PageSize.BYTES, Long.BYTES);
            page.set(ValueLayout.JAVA_LONG, 0, 42);

            CompletableFuture<Long> call = CompletableFuture.supplyAsync(() -> {
                int event = Linux.eventfd();
                long result = Linux.writeSome(
                        event, MemorySegment.ofAddress(block.address()).reinterpret(Long.BYTES));
                Linux.close(event);
                return result;
            });
            boolean waits = missing.waitsInSystemCalls();
            String write = "";
            if (waits) {
                bring(missing, placer, page);
                write = "waits, then ";
            }
            write += call.join();

            CompletableFuture<Long> touch = CompletableFuture.supplyAsync(() -> {
                try (Arena own = Arena.ofConfined()) {
                    MemorySegment into = own.allocate(Long.BYTES, Long.BYTES);
                    GuestAccess.read(block.address() + PageSize.BYTES, into, Long.BYTES);
                    return into.get(ValueLayout.JAVA_LONG, 0);
                }
            });
            bring(missing, placer, page);
            return "refusal: %s, waits in system calls: %b, write: %s, touch: %d"
                    .formatted(refusal, waits, write, touch.join());
        }
    }

    private static void bring(MissingPages missing, MissingPages.Placer placer, MemorySegment page) {
        while (missing.read((block, offset, _, _) -> placer.put(block, offset, page, 0), -1) == 0) {}
    }
}
