package org.transhume.control.command;

import java.util.concurrent.Callable;
import picocli.AutoComplete;
import picocli.CommandLine;

/** {@code completion}: prints what makes bash complete the commands and options of {@code transhume}. */
@CommandLine.Command(
        name = "completion",
        description =
                "Print a script that makes bash (and zsh with bashcompinit) complete commands, options and names.",
        mixinStandardHelpOptions = true,
        footer = {"", "In ~/.bashrc:", "  source <(transhume completion)"})
public final class CompletionCommand implements Callable<Integer> {
    @CommandLine.Spec
    private CommandLine.Model.CommandSpec spec;

    @Override
    public Integer call() {
        CommandLine root = spec.root().commandLine();
        spec.commandLine().getOut().print(AutoComplete.bash(spec.root().name(), root));
        spec.commandLine().getOut().flush();
        return CommandLine.ExitCode.OK;
    }
}
