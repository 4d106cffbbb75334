package org.transhume.benchmarks.versus;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.transhume.control.Transhume;

/** One {@code transhume guest} after the other in one JVM: what migrates the second one was compiled for the first. */
final class GuestsInTurn {
    private GuestsInTurn() {}

    /** Takes the number of guests, the first one's QMP socket, and the command line of each. */
    public static void main(String[] arguments) {
        int guests = Integer.parseInt(arguments[0]);
        Path socket = Path.of(arguments[1]);
        int status = 0;
        for (int guest = 0; guest < guests && status == 0; guest++) {
            List<String> line = new ArrayList<>(Arrays.asList(arguments).subList(2, arguments.length));
            line.addAll(List.of("--qmp", "unix:" + Side.socket(socket, guest)));
            status = Transhume.execute(line.toArray(String[]::new));
        }
        System.exit(status);
    }
}
