package org.transhume.engine.digest;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import org.transhume.codec.PageHash;
import org.transhume.engine.MigrationException;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.LongTable;
import org.transhume.memory.PageSize;
import org.transhume.memory.RamBlock;

/**
 * What was sent of a guest's RAM, or loaded: the hash of the last version of each page, and over each group of pages two
 * sums that are kept up while pages come and go, modulo 2^64:
 * <pre>
 *   first  = sum of hash(i)               i = 0..511, the page's place in its group
 *   second = sum of hash(i) * (i + 1)     of one page that differs by d they differ by d and d * (i + 1), which tells i
 * </pre>
 * A page that never came, or as zeroes, has hash 0. So a sparse guest's tables stay mostly untouched.
 *
 * <p>Threads record through a {@link PageRecorder} each; never two of them the same page between two barriers of the stream.
 * The sums are complete when every recorder was flushed.
 */
public final class RamDigest implements AutoCloseable {
    /** Pages that share their sums: 16 bytes of the pause for 2 MiB of RAM. */
    public static final int GROUP_PAGES = 512;

    /** Bytes. */
    public static final long GROUP = (long) GROUP_PAGES * PageSize.BYTES;

    /** Told of a group whose sums are not both zero. */
    @FunctionalInterface
    public interface GroupSink<E extends Exception> {
        void group(int block, long group, long first, long second) throws E;
    }

    private final List<RamBlock> blocks;
    private final List<LongTable> hashes = new ArrayList<>();
    private final List<LongTable> sums = new ArrayList<>();
    private final LongAdder hashed = new LongAdder();
    private final long pages;

    /** Of RAM of which nothing was sent or loaded yet. Whoever makes it closes it, after the last thread left it. */
    public RamDigest(GuestMemory memory) {
        this.blocks = memory.blocks();
        this.pages = memory.size() / PageSize.BYTES;
        try {
            for (RamBlock block : blocks) {
                hashes.add(new LongTable("page hashes", block.pages()));
                sums.add(new LongTable("page sums", 2 * groups(block)));
            }
        } catch (Throwable t) {
            close();
            throw t;
        }
    }

    /** Waits until pages can be hashed at full speed: 200 ms or so for the first of a JVM, at a time when there are none. */
    public static void prepare() {
        PageHash.prepare();
    }

    /** Prepares in a thread of its own, which ends by itself: whoever knows early that a digest will be wanted need not wait. */
    public static void prepareSoon() {
        Thread.ofPlatform().daemon().name("page hash").start(RamDigest::prepare);
    }

    private static long groups(RamBlock block) {
        return Math.ceilDiv(block.pages(), GROUP_PAGES);
    }

    /** Pages of RAM. */
    public long pages() {
        return pages;
    }

    /** Versions of pages that were hashed so far. */
    public long hashed() {
        return hashed.sum();
    }

    /** The hash of a page as it stands in RAM. */
    long hash(int block, long offset) {
        RamBlock from = blocks.get(block);
        return from.truncatable() ? PageHash.plainlyOf(from.segment(), offset) : PageHash.of(from.segment(), offset);
    }

    /** Makes {@code hash} that of the page, and returns by how much it grew. */
    long replace(int block, long page, long hash) {
        LongTable table = hashes.get(block);
        long grown = hash - table.get(page);
        if (grown != 0) { // zero pages leave the table untouched
            table.set(page, hash);
        }
        return grown;
    }

    void add(int block, long group, long first, long second, long versions) {
        LongTable table = sums.get(block);
        table.add(2 * group, first);
        table.add(2 * group + 1, second);
        hashed.add(versions);
    }

    /** Tells every group that has something else than zero pages, block by block and in ascending order. */
    public <E extends Exception> void groups(GroupSink<E> sink) throws E {
        for (int block = 0; block < sums.size(); block++) {
            LongTable table = sums.get(block);
            for (long at = 0; at < table.length(); at += 2) {
                long first = table.get(at);
                long second = table.get(at + 1);
                if ((first | second) != 0) {
                    sink.group(block, at / 2, first, second);
                }
            }
        }
    }

    /**
     * What the other side has for a group. It is taken off what is here, so that nothing is left where both agree; what is
     * loaded later still counts. Any thread.
     *
     * @param group of the block, checked
     */
    public void expect(int block, long group, long first, long second) {
        add(block, group, -first, -second, 0);
    }

    /**
     * Compares RAM as it was loaded with what the other side expects, once it has told everything.
     *
     * @throws MigrationException naming the first page that differs
     */
    public void verify() {
        Difference difference = new Difference();
        groups(difference);
        difference.check();
    }

    @Override
    public void close() {
        hashes.forEach(LongTable::close);
        sums.forEach(LongTable::close);
    }

    /** Groups that differ, and which of their pages does. */
    private final class Difference implements GroupSink<RuntimeException> {
        private String where;
        private long damaged;

        @Override
        public void group(int block, long group, long first, long second) {
            RamBlock in = blocks.get(block);
            long from = group * GROUP_PAGES;
            long to = Math.min(from + GROUP_PAGES, in.pages());
            long page = from;
            // One page alone: its place is what makes the second sum of the first. By chance that fits more pages than
            // one
            // once in 2^54.
            while (page < to && (first == 0 || first * (page - from + 1) != second)) {
                page++;
            }
            boolean single = page < to;
            damaged += single ? 1 : 2;
            if (where == null) {
                where = single
                        ? "the page at 0x%x of block '%s'".formatted(page * PageSize.BYTES, in.name())
                        : "what 0x%x to 0x%x of block '%s' hold"
                                .formatted(from * PageSize.BYTES, to * PageSize.BYTES - 1, in.name());
            }
        }

        void check() {
            if (where != null) {
                throw new MigrationException(
                        "RAM is not what was sent: %s differs%s; what carried or holds it is faulty, and the guest is whole at its source: try again"
                                .formatted(where, damaged == 1 ? "" : ", the first of %d or more".formatted(damaged)));
            }
        }
    }
}
