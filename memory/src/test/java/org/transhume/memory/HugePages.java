package org.transhume.memory;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** Where this machine lends huge pages of 2 MiB; without, a test is skipped and says why. */
final class HugePages {
    private HugePages() {}

    /** A directory on a hugetlbfs, with so many pages free. */
    static Path mount(int pages) throws IOException {
        Optional<Path> mount = Files.readAllLines(Path.of("/proc/mounts")).stream()
                .map(line -> line.split(" "))
                .filter(fields -> fields[2].equals("hugetlbfs") && !fields[3].contains("pagesize=1"))
                .map(fields -> Path.of(fields[1]))
                .filter(Files::isWritable)
                .findFirst();
        assumeTrue(mount.isPresent(), "no writable hugetlbfs is mounted");
        assumeTrue(free() >= pages, "%d huge pages are not free: sysctl vm.nr_hugepages".formatted(pages));
        return mount.get();
    }

    private static long free() throws IOException {
        return Files.readAllLines(Path.of("/proc/meminfo")).stream()
                .filter(line -> line.startsWith("HugePages_Free:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
                .sum();
    }
}
