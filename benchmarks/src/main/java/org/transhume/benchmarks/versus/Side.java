package org.transhume.benchmarks.versus;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** Who does the work: says how a process of its kind is started; all else is the same for all. */
interface Side {
    String name();

    /**
     * How to start one end, its guest standing, its RAM untouched.
     *
     * @param arrives whether it waits for {@code migrate-incoming}
     * @param socket takes QMP; for each guest after the first with its number behind the name
     * @param guests how many one process has, one after the other: each comes when the one before was told to quit
     */
    List<String> command(Work work, int scale, boolean arrives, Path socket, int guests) throws IOException;

    /** Switched on at both ends beside {@link Work#capabilities}. */
    List<String> capabilities(Work work);

    /** Where in RAM the {@link Work#hot} pages start. */
    long hotAt(Work work, int scale);

    static Path socket(Path first, int guest) {
        return guest == 0 ? first : first.resolveSibling(first.getFileName() + "." + guest);
    }
}
