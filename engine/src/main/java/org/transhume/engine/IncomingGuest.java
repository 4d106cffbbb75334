package org.transhume.engine;

import java.util.List;
import java.util.UUID;
import org.transhume.channels.qemu.BlockEntry;
import org.transhume.channels.qemu.DeviceTail;
import org.transhume.memory.GuestMemory;

/**
 * A guest that is to arrive. The calls come in this order from one thread of the migration; each may refuse with an
 * exception whose message says what came and what was expected, and the migration then fails without a trace.
 */
public interface IncomingGuest extends Identified {
    /**
     * The stream says which guest comes; never one other than {@link #uuid}, where that is known. Not every stream does.
     * From any thread of the migration, perhaps more than once.
     */
    default void identify(UUID uuid) {}

    /**
     * The source asks when it may hand the guest over (capability {@code switchover-ack}): run {@code approval}, now or later
     * from any thread, once nothing here needs a running source any more. Running it twice does no harm.
     */
    default void prepareSwitchover(Runnable approval) {
        approval.run();
    }

    /** The RAM for these blocks, in this order and of these lengths. Lent: the migration takes a lease. */
    GuestMemory accept(String machine, List<BlockEntry> blocks);

    /**
     * Whether that RAM was mapped fresh and never written, by an earlier migration neither. Else the kernel is asked what it
     * holds. Where it holds nothing, no zero page is written.
     */
    boolean fresh();

    /**
     * From here on, and before {@link #load}, some pages of the RAM are missing and come while the guest runs (postcopy). Java
     * code must not touch one of them: it would wait where it reaches no safepoint, and hold up whoever brings the page. A
     * vCPU, another process, a system call or {@link org.transhume.memory.GuestAccess} waits for it alone.
     *
     * @param pages valid until {@link #whole}
     * @throws MigrationException if it cannot do without them: the source keeps the guest
     */
    default void missing(ArrivingPages pages) {
        throw new MigrationException(
                "this guest cannot run before all of its memory is there: switch capability postcopy-ram off on both sides");
    }

    /**
     * Every page is there: memory is as any other again. Called once after {@link #missing}, also if the guest is not to run;
     * from any thread of the migration, while the guest runs.
     */
    default void whole() {}

    /**
     * Pages that are missing will not come: none of its virtual CPUs may go on, and those that wait are about to be let go, with
     * nothing in the pages they wait for. Called instead of going on, before {@link #whole}; waits for no page.
     */
    default void abandoned() {}

    /**
     * Linux thread ids of the virtual CPUs that run now, in their order: so it can be told how long each waits for pages. A
     * guest that was stopped and goes on may have others. Empty: not known. Any thread.
     */
    default long[] vcpuThreads() {
        return new long[0];
    }

    /** RAM is complete, but for what {@link #missing} told of; this is the device state that belongs to it. */
    void load(DeviceTail devices);

    /**
     * Whether {@link #start} is about to run the guest rather than to leave it stopped. Asked between {@link #load} and
     * {@link #activateDisks}.
     */
    default boolean startsRunning() {
        return true;
    }

    /**
     * Nobody else uses the guest's disks any more: they may be opened for writing. Called once, before {@link #start}; with
     * capability {@code late-block-activate} only for a guest that starts running, and one that starts stopped takes its
     * disks by itself when it is made to run.
     */
    default void activateDisks() {}

    /**
     * Tells the network where the guest is now. The first time before {@link #start}, from the migration's thread, then from
     * another one at the times of its {@link AnnounceSchedule}, also while the guest runs. On an operator's word at any time.
     *
     * @param number 1 and up
     */
    default void announce(int number) {}

    /** This side owns the guest from here on: run it, unless it arrived stopped or was told to stay so. */
    void start();
}
