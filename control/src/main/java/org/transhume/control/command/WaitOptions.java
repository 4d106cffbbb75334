package org.transhume.control.command;

import java.time.Duration;
import org.transhume.control.guest.WaitLimits;
import picocli.CommandLine;

/** How long a migration bears with a peer that does nothing and does not hang up either. */
final class WaitOptions {
    @CommandLine.Option(
            names = "--stall-limit",
            paramLabel = "SECONDS",
            defaultValue = "60",
            description = "Longest wait for a peer that takes no byte, or owes the rest of a page (default: "
                    + "${DEFAULT-VALUE}; 0: for ever).")
    private double stall;

    @CommandLine.Option(
            names = "--silence-limit",
            paramLabel = "SECONDS",
            defaultValue = "0",
            description = "Longest wait for anything new from a source; one that pauses before the switchover is silent"
                    + " (default: 0, for ever).")
    private double silence;

    @CommandLine.Spec(CommandLine.Spec.Target.MIXEE)
    private CommandLine.Model.CommandSpec spec;

    WaitLimits limits() {
        return new WaitLimits(duration("--stall-limit", stall), duration("--silence-limit", silence));
    }

    private Duration duration(String option, double seconds) {
        double millis = seconds * 1000;
        if (!(millis == 0 || millis >= 1) || millis > Integer.MAX_VALUE) {
            throw new CommandLine.ParameterException(
                    spec.commandLine(), "%s=%s: expected 0 or 0.001 and up".formatted(option, seconds));
        }
        return Duration.ofMillis((long) millis);
    }
}
