package org.transhume.control.command;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import org.transhume.control.qmp.Json;
import org.transhume.control.qmp.QmpAddress;
import org.transhume.control.qmp.QmpClient;
import org.transhume.control.qmp.QmpError;
import picocli.CommandLine;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.databind.node.StringNode;

/** {@code qmp}: sends one command to a QMP socket and prints the answer. */
@CommandLine.Command(
        name = "qmp",
        description = "Send one QMP command and print the answer.",
        mixinStandardHelpOptions = true,
        footer = {
            "",
            "Arguments are NAME=VALUE, where VALUE is JSON or else a string; or one JSON object:",
            "  transhume qmp /run/guest.sock migrate uri=tcp:10.0.0.2:4444",
            "  transhume qmp /run/guest.sock migrate-set-capabilities '{\"capabilities\":[...]}'"
        })
public final class QmpCommandLine implements Callable<Integer> {
    private static final Duration LIMIT = Duration.ofSeconds(30);

    @CommandLine.Parameters(index = "0", paramLabel = "SOCKET", description = "unix:PATH, tcp:HOST:PORT or a path.")
    private String socket;

    @CommandLine.Parameters(index = "1", paramLabel = "COMMAND", description = "For instance query-migrate.")
    private String command;

    @CommandLine.Parameters(index = "2..*", paramLabel = "ARGS", description = "NAME=VALUE, or one JSON object.")
    private List<String> arguments = List.of();

    @CommandLine.Spec
    private CommandLine.Model.CommandSpec spec;

    @Override
    public Integer call() throws IOException {
        JsonNode given = arguments();
        String uri = socket.startsWith("unix:") || socket.startsWith("tcp:") ? socket : "unix:" + socket;
        try (QmpClient client = QmpClient.connect(QmpAddress.parse(uri), LIMIT)) {
            JsonNode answer = given == null ? client.execute(command) : client.execute(command, given);
            spec.commandLine().getOut().println(answer.toPrettyString());
            spec.commandLine().getOut().flush();
            return CommandLine.ExitCode.OK;
        } catch (QmpError e) {
            throw new IOException("%s: %s".formatted(e.kind().wireName(), e.getMessage()), e);
        }
    }

    private JsonNode arguments() {
        if (arguments.isEmpty()) {
            return null;
        }
        if (arguments.size() == 1 && arguments.getFirst().startsWith("{")) {
            return json(arguments.getFirst());
        }
        ObjectNode members = Json.object();
        for (String argument : arguments) {
            int equals = argument.indexOf('=');
            if (equals < 1) {
                throw new CommandLine.ParameterException(
                        spec.commandLine(),
                        "argument '%s': expected NAME=VALUE or one JSON object".formatted(argument));
            }
            String value = argument.substring(equals + 1);
            JsonNode parsed;
            try {
                parsed = Json.parse(value.getBytes(StandardCharsets.UTF_8));
            } catch (JacksonException e) {
                parsed = StringNode.valueOf(value);
            }
            members.set(argument.substring(0, equals), parsed);
        }
        return members;
    }

    private JsonNode json(String text) {
        try {
            return Json.parse(text.getBytes(StandardCharsets.UTF_8));
        } catch (JacksonException e) {
            throw new CommandLine.ParameterException(spec.commandLine(), "arguments: " + e.getOriginalMessage());
        }
    }
}
