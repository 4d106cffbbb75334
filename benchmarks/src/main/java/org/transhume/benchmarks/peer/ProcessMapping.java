package org.transhume.benchmarks.peer;

/**
 * The first line of a mapping in {@code /proc/PID/smaps}.
 *
 * @param inode 0: memory of that process alone
 */
record ProcessMapping(long start, long end, String access, long inode, String path) {
    private static final int COLUMNS = 6;

    static ProcessMapping parse(String line) {
        String[] columns = line.split(" +", COLUMNS);
        int dash = columns[0].indexOf('-');
        return new ProcessMapping(
                Long.parseUnsignedLong(columns[0].substring(0, dash), 16),
                Long.parseUnsignedLong(columns[0].substring(dash + 1), 16),
                columns[1],
                Long.parseLong(columns[4]),
                columns.length < COLUMNS ? "" : columns[5]);
    }

    long bytes() {
        return end - start;
    }

    /** Whether {@code next} goes on where this ends, with memory of the same kind. */
    boolean joins(ProcessMapping next) {
        return end == next.start && inode == next.inode && access.equals(next.access) && path.equals(next.path);
    }

    ProcessMapping with(ProcessMapping next) {
        return new ProcessMapping(start, next.end, access, inode, path);
    }
}
