package org.transhume.control.soak;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.RamBlock;

/** What became of one migration, and what was looked at. Filled in on its way; one thread at a time. */
final class TrialResult {
    private String outcome = "unknown";
    private String reason;
    private int strokes;
    private long bytes;
    private long comparedBytes;
    private double millis;
    private double downtimeMillis = -1;
    private final List<RamBlock> used = new ArrayList<>();
    private final List<String> states = new ArrayList<>();
    private final List<String> checked = new ArrayList<>();
    private final List<String> defects = new ArrayList<>();

    /** It was looked at, and is as it has to be unless {@code holds} is false. */
    void check(String what, boolean holds, String otherwise) {
        if (!checked.contains(what)) {
            checked.add(what);
        }
        if (!holds) {
            defects.add(what + ": " + otherwise);
        }
    }

    void defect(String what) {
        defects.add(what);
    }

    void outcome(String kind, String why) {
        outcome = kind;
        reason = why;
    }

    void moved(long sent, double took, double paused) {
        bytes += sent;
        millis += took;
        if (paused >= 0) {
            downtimeMillis = paused;
        }
    }

    /** Its blocks are to be unmapped once all is over. A kernel may have no names for private ones, and so they are asked. */
    void uses(GuestMemory memory) {
        if (memory != null) {
            used.addAll(memory.blocks());
        }
    }

    /** Of the RAM that was used, what is mapped now: somebody keeps a lease, or never closed it. */
    Set<String> stillMapped() {
        Set<String> mapped = new TreeSet<>();
        for (RamBlock block : used) {
            if (block.segment().scope().isAlive()) {
                mapped.add("mapping of block '%s', %d bytes at 0x%x"
                        .formatted(block.name(), block.size(), block.address()));
            }
        }
        return mapped;
    }

    void compared(long some) {
        comparedBytes += some;
    }

    void entered(String state) {
        states.add(state);
    }

    void struck(int times) {
        strokes += times;
    }

    public String outcome() {
        return outcome;
    }

    public String reason() {
        return reason;
    }

    /** How often the fault really met it. */
    public int strokes() {
        return strokes;
    }

    public long bytes() {
        return bytes;
    }

    public long comparedBytes() {
        return comparedBytes;
    }

    public double millis() {
        return millis;
    }

    public double downtimeMillis() {
        return downtimeMillis;
    }

    /** Those of the source, in order. */
    public List<String> states() {
        return List.copyOf(states);
    }

    public List<String> checked() {
        return List.copyOf(checked);
    }

    public List<String> defects() {
        return List.copyOf(defects);
    }
}
