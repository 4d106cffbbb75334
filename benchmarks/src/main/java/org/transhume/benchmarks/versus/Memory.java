package org.transhume.benchmarks.versus;

/** The most that was resident at either end beyond the guest's RAM, in bytes. */
record Memory(long source, long destination) {
    Memory max(Memory other) {
        return new Memory(Math.max(source, other.source), Math.max(destination, other.destination));
    }
}
