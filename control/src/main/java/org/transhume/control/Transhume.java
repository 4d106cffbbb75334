package org.transhume.control;

import java.io.PrintWriter;
import java.util.List;
import java.util.Optional;
import org.transhume.control.command.CompletionCommand;
import org.transhume.control.command.DemoCommand;
import org.transhume.control.command.DomainCommand;
import org.transhume.control.command.GuestCommand;
import org.transhume.control.command.InspectCommand;
import org.transhume.control.command.MergeCommand;
import org.transhume.control.command.PlanCommand;
import org.transhume.control.command.QmpCommandLine;
import org.transhume.control.command.ReceiveCommand;
import org.transhume.control.command.SendCommand;
import org.transhume.control.command.SoakCommand;
import org.transhume.control.command.Termination;
import org.transhume.control.command.TopCommand;
import org.transhume.engine.MigrationException;
import picocli.CommandLine;

/** The command line: {@code bin/transhume COMMAND}. Exit status 0 done, 1 the migration failed, 2 wrong usage. */
@CommandLine.Command(
        name = "transhume",
        description = "Moves a running guest's memory to another process or host, with a pause of your choice.",
        mixinStandardHelpOptions = true,
        version = "transhume 0.1.0",
        footer = {"", "Try it: bin/transhume demo"})
public final class Transhume implements Termination.Owner {
    private static final int FAILED = 1;

    private static final List<Class<?>> COMMANDS = List.of(
            DemoCommand.class,
            GuestCommand.class,
            ReceiveCommand.class,
            SendCommand.class,
            MergeCommand.class,
            InspectCommand.class,
            PlanCommand.class,
            SoakCommand.class,
            DomainCommand.class,
            QmpCommandLine.class,
            TopCommand.class,
            CompletionCommand.class);

    private final Termination termination = new Termination();

    private Transhume() {}

    public static void main(String[] arguments) {
        System.exit(execute(arguments));
    }

    /** Runs one command line; returns its exit status. A process may run several, one after the other. */
    public static int execute(String... arguments) {
        Transhume transhume = new Transhume();
        return transhume.termination.ended(run(commandLine(transhume, arguments), arguments));
    }

    @Override
    public Termination termination() {
        return termination;
    }

    /** All commands with their options. */
    static CommandLine commandLine() {
        return commandLine(new Transhume());
    }

    /** All commands, or the one that is asked for: to read the options of all takes half the time that a guest needs to be ready. */
    private static CommandLine commandLine(Transhume transhume, String... arguments) {
        CommandLine line = new CommandLine(transhume);
        Optional<Class<?>> asked = COMMANDS.stream()
                .filter(command -> arguments.length > 0 && name(command).equals(arguments[0]))
                .filter(command -> command != CompletionCommand.class) // which tells of all
                .findFirst();
        // Each as a command line of its own: only those have the options that a model transformer adds.
        asked.map(List::<Class<?>>of).orElse(COMMANDS).forEach(command -> line.addSubcommand(new CommandLine(command)));
        return line;
    }

    private static String name(Class<?> command) {
        return command.getAnnotation(CommandLine.Command.class).name();
    }

    private static int run(CommandLine line, String[] arguments) {
        line.setCaseInsensitiveEnumValuesAllowed(true);
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
