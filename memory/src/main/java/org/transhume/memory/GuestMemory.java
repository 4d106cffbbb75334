package org.transhume.memory;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;

/** A guest's RAM: its blocks in the order in which the stream names them. Owns them. */
public final class GuestMemory implements AutoCloseable {
    private final List<RamBlock> blocks;

    /**
     * Takes the blocks over; if that fails they are closed.
     *
     * @throws IllegalArgumentException if two have the same name
     */
    public GuestMemory(List<RamBlock> blocks) {
        this.blocks = List.copyOf(blocks);
        Set<String> names = new HashSet<>();
        for (RamBlock block : this.blocks) {
            if (!names.add(block.name())) {
                closeAll(this.blocks);
                throw new IllegalArgumentException(
                        "two blocks named %s: a block's name is how the other side finds it".formatted(block.name()));
            }
        }
    }

    public List<RamBlock> blocks() {
        return blocks;
    }

    /**
     * The block of that name.
     *
     * @throws NoSuchElementException if there is none; the message lists those there are
     */
    public RamBlock block(String name) {
        return find(name)
                .orElseThrow(() -> new NoSuchElementException("no block %s, there are %s"
                        .formatted(name, blocks.stream().map(RamBlock::name).toList())));
    }

    public Optional<RamBlock> find(String name) {
        return blocks.stream().filter(block -> block.name().equals(name)).findFirst();
    }

    /** Bytes of all blocks together. */
    public long size() {
        return blocks.stream().mapToLong(RamBlock::size).sum();
    }

    /** Holds off the unmapping of every block. */
    public Lease lease(String user) {
        List<Lease> leases = new ArrayList<>(blocks.size());
        AtomicBoolean ended = new AtomicBoolean();
        Lease all = () -> {
            if (ended.compareAndSet(false, true)) {
                closeAll(leases);
            }
        };
        try {
            for (RamBlock block : blocks) {
                leases.add(block.lease(user));
            }
            return all;
        } catch (Throwable thrown) {
            all.close();
            throw thrown;
        }
    }

    /** Closes the blocks; each is unmapped when its last lease ends. */
    @Override
    public void close() {
        closeAll(blocks);
    }

    /** All of them, whatever one of them throws. */
    private static void closeAll(List<? extends AutoCloseable> parts) {
        RuntimeException first = null;
        for (AutoCloseable part : parts) {
            try {
                part.close();
            } catch (RuntimeException failure) {
                if (first == null) {
                    first = failure;
                } else {
                    first.addSuppressed(failure);
                }
            } catch (Exception impossible) {
                throw new AssertionError(impossible);
            }
        }
        if (first != null) {
            throw first;
        }
    }
}
