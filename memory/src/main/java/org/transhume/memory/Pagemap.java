package org.transhume.memory;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;

/**
 * What the kernel knows about this process's pages: {@code /proc/self/pagemap}, asked with PAGEMAP_SCAN (Linux 6.7).
 * One thread at a time.
 *
 * <pre>
 *   struct pm_scan_arg                                    struct page_region
 *   0 size   8 flags  16 start  24 end  32 walk_end       0 start  8 end  16 categories
 *  40 vec   48 vec_len  56 max_pages
 *  64 inverted  72 mask  80 any_of  88 return
 * </pre>
 */
final class Pagemap implements AutoCloseable {
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
    private static final long PAGEMAP_SCAN = 0xC060_6610L;
    private static final long WP_MATCHING = 1;
    private static final long CHECK_WPASYNC = 2;
    private static final long WRITTEN = 1 << 1;
    private static final long PRESENT = 1 << 3;
    private static final long SWAPPED = 1 << 4;
    private static final long ZERO_PAGE = 1 << 5;
    private static final int ARGUMENT = 96;
    private static final int REGION = 24;
    private static final int REGIONS = 4096;
    private static final int ENTRIES = 64 * 1024;

    private final Arena arena = Arena.ofShared();
    private final int fd;
    private final MemorySegment argument;
    private final MemorySegment regions;

    Pagemap() {
        try {
            argument = arena.allocate(ARGUMENT, Long.BYTES);
            regions = arena.allocate((long) REGION * REGIONS, Long.BYTES);
            fd = Linux.open(Path.of("/proc/self/pagemap"), Linux.O_RDONLY);
            if (fd < 0) {
                throw new SystemCallException("open", "/proc/self/pagemap", -fd, "mount /proc");
            }
        } catch (Throwable thrown) {
            arena.close();
            throw thrown;
        }
    }

    /** Tells, as offsets from {@code address}, the pages of private memory that hold something. */
    void populated(long address, long length, ExtentSink sink) {
        // Neither holes nor the zero page that a read of a hole maps.
        ask(0, ZERO_PAGE, ZERO_PAGE, PRESENT | SWAPPED, PRESENT);
        long result = scan(address, length, sink);
        if (result == -Linux.ENOTTY) {
            readPopulated(address, length, sink);
        } else {
            requireScanned(result);
        }
    }

    /**
     * Tells the pages written since they were last told or protected, and protects them again in the same step.
     * The range must be registered for write-protection in asynchronous mode.
     *
     * @param holes whether a page this process has no entry for counts as written: in shared memory it does, since an
     *     entry is dropped when a written page is swapped out; in private memory it is one that was never written
     * @return pages told
     */
    long written(long address, long length, boolean holes, ExtentSink sink) {
        if (holes) {
            ask(WP_MATCHING | CHECK_WPASYNC, 0, WRITTEN, 0, WRITTEN);
        } else {
            ask(WP_MATCHING | CHECK_WPASYNC, ZERO_PAGE, WRITTEN | ZERO_PAGE, PRESENT | SWAPPED, WRITTEN);
        }
        return requireScanned(scan(address, length, sink));
    }

    private void ask(long flags, long inverted, long mask, long anyOf, long told) {
        argument.set(LONG, 0, ARGUMENT);
        argument.set(LONG, 8, flags);
        argument.set(LONG, 40, regions.address());
        argument.set(LONG, 48, REGIONS);
        argument.set(LONG, 56, 0);
        argument.set(LONG, 64, inverted);
        argument.set(LONG, 72, mask);
        argument.set(LONG, 80, anyOf);
        argument.set(LONG, 88, told);
    }

    /** Pages told, or the errno negated. */
    private long scan(long address, long length, ExtentSink sink) {
        long end = address + length;
        long from = address;
        long to = address; // [from, to) is found, not yet told: the next region may go on where it ends
        long told = 0;
        for (long at = address; at < end; at = argument.get(LONG, 32)) {
            argument.set(LONG, 16, at);
            argument.set(LONG, 24, end);
            long found = Linux.ioctl(fd, PAGEMAP_SCAN, argument);
            if (found < 0) {
                return found;
            }
            for (long region = 0; region < found * REGION; region += REGION) {
                long start = regions.get(LONG, region);
                if (start != to) {
                    told += tell(address, from, to, sink);
                    from = start;
                }
                to = regions.get(LONG, region + 8);
            }
        }
        return told + tell(address, from, to, sink);
    }

    private static long tell(long address, long from, long to, ExtentSink sink) {
        if (to > from) {
            sink.extent(from - address, to - from);
        }
        return (to - from) >>> PageSize.SHIFT;
    }

    /** Kernels before 6.7: one entry of eight bytes for each page, bit 63 present, bit 62 swapped. */
    private void readPopulated(long address, long length, ExtentSink sink) {
        try (Arena temporary = Arena.ofConfined()) {
            MemorySegment entries = temporary.allocate((long) ENTRIES * Long.BYTES, Long.BYTES);
            long pages = length >>> PageSize.SHIFT;
            long from = 0;
            long to = 0;
            for (long page = 0; page < pages; page++) {
                long entry = page % ENTRIES;
                if (entry == 0) {
                    long wanted = Math.min(ENTRIES, pages - page) * Long.BYTES;
                    long at = ((address >>> PageSize.SHIFT) + page) * Long.BYTES;
                    long read = Linux.read(fd, entries.asSlice(0, wanted), at);
                    if (read != wanted) {
                        throw new IllegalStateException(
                                "/proc/self/pagemap gave %d bytes, expected %d".formatted(read, wanted));
                    }
                }
                if (entries.getAtIndex(LONG, entry) >>> 62 != 0) {
                    if (page != to) {
                        tell(0, from << PageSize.SHIFT, to << PageSize.SHIFT, sink);
                        from = page;
                    }
                    to = page + 1;
                }
            }
            tell(0, from << PageSize.SHIFT, to << PageSize.SHIFT, sink);
        }
    }

    private static long requireScanned(long result) {
        if (result < 0) {
            throw new SystemCallException(
                    "ioctl(PAGEMAP_SCAN)", "guest RAM", (int) -result, "needs Linux 6.7 or newer; else track by marks");
        }
        return result;
    }

    @Override
    public void close() {
        Linux.close(fd);
        arena.close();
    }
}
