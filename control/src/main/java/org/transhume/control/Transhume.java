package org.transhume.control;

import java.io.PrintWriter;
import org.transhume.control.command.CompletionCommand;
import org.transhume.control.command.DemoCommand;
import org.transhume.control.command.DomainCommand;
import org.transhume.control.command.GuestCommand;
import org.transhume.control.command.InspectCommand;
import org.transhume.control.command.PlanCommand;
import org.transhume.control.command.QmpCommandLine;
import org.transhume.control.command.ReceiveCommand;
import org.transhume.control.command.SendCommand;
import org.transhume.control.command.TopCommand;
import org.transhume.engine.MigrationException;
import picocli.CommandLine;

/** The command line: {@code bin/transhume COMMAND}. Exit status 0 done, 1 the migration failed, 2 wrong usage. */
@CommandLine.Command(
        name = "transhume",
        description = "Moves a running guest's memory to another process or host, with a pause of your choice.",
        mixinStandardHelpOptions = true,
        version = "transhume 0.1.0",
        subcommands = {
            DemoCommand.class,
            GuestCommand.class,
            ReceiveCommand.class,
            SendCommand.class,
            InspectCommand.class,
            PlanCommand.class,
            DomainCommand.class,
            QmpCommandLine.class,
            TopCommand.class,
            CompletionCommand.class
        },
        footer = {"", "Try it: bin/transhume demo"})
public final class Transhume {
    private static final int FAILED = 1;

    private Transhume() {}

    public static void main(String[] arguments) {
        System.exit(run(arguments));
    }

    /** All commands with their options. */
    static CommandLine commandLine() {
        return new CommandLine(new Transhume());
    }

    private static int run(String[] arguments) {
        CommandLine line = commandLine();
        line.setExecutionExceptionHandler((exception, command, parsed) -> {
            PrintWriter err = command.getErr();
            if (exception instanceof CommandLine.ParameterException) {
                throw exception;
            }
            // One line, the last on stderr: what went wrong and what to do. Never a stack trace.
            err.println("transhume: " + MigrationException.reasonOf(exception));
            return FAILED;
        });
        if (arguments.length == 0) {
            line.usage(line.getErr());
            return CommandLine.ExitCode.USAGE;
        }
        return line.execute(arguments);
    }
}
