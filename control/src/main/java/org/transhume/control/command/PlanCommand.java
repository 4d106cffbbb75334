package org.transhume.control.command;

import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;
import org.transhume.control.display.PlanText;
import org.transhume.control.qmp.Json;
import org.transhume.control.qmp.QmpAddress;
import org.transhume.control.qmp.QmpClient;
import org.transhume.control.qmp.QmpError;
import picocli.CommandLine;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code plan}: what migrating a running guest would come to, without doing it. */
@CommandLine.Command(
        name = "plan",
        description = "Foretell the migration of a running guest for each strategy, without migrating it.",
        mixinStandardHelpOptions = true)
public final class PlanCommand implements Callable<Integer> {
    private static final Duration LIMIT = Duration.ofSeconds(30);
    private static final Duration POLL = Duration.ofMillis(100);

    @CommandLine.Parameters(
            index = "0",
            paramLabel = "SOCKET",
            description = "QMP socket of a 'transhume guest': unix:PATH, tcp:HOST:PORT or a path.")
    private String socket;

    @CommandLine.Option(
            names = "--bandwidth",
            paramLabel = "SIZE",
            converter = SizeConverter.class,
            description = "Bytes per second for the migration (default: the guest's max-bandwidth, unless that is 0).")
    private Long bandwidth;

    @CommandLine.Option(
            names = "--downtime-limit",
            paramLabel = "MS",
            description = "Longest pause to aim for (default: the guest's downtime-limit).")
    private Long downtimeLimit;

    @CommandLine.Option(
            names = "--seconds",
            paramLabel = "N",
            defaultValue = "3",
            description = "How long to look at what the guest writes, 1..60 (default: ${DEFAULT-VALUE}).")
    private long seconds;

    @CommandLine.Option(
            names = "--json",
            description = "Print what query-x-plan answers; docs/forecast.md has the names.")
    private boolean json;

    @CommandLine.Spec
    private CommandLine.Model.CommandSpec spec;

    @Override
    public Integer call() throws IOException {
        ObjectNode order = Json.object().put("seconds", seconds);
        if (bandwidth != null) {
            order.put("bandwidth", bandwidth);
        }
        if (downtimeLimit != null) {
            order.put("downtime-limit", downtimeLimit);
        }
        String uri = socket.startsWith("unix:") || socket.startsWith("tcp:") ? socket : "unix:" + socket;
        try (QmpClient client = QmpClient.connect(QmpAddress.parse(uri), LIMIT)) {
            client.execute("x-plan", order);
            JsonNode answer = await(client);
            PrintWriter out = spec.commandLine().getOut();
            out.print(json ? answer.toPrettyString() + System.lineSeparator() : PlanText.of(answer));
            out.flush();
            return CommandLine.ExitCode.OK;
        } catch (QmpError e) {
            throw new IOException(
                    e.kind() == QmpError.Kind.COMMAND_NOT_FOUND
                            ? uri + " cannot plan: expected the QMP socket of a 'transhume guest'"
                            : e.getMessage(),
                    e);
        }
    }

    private static JsonNode await(QmpClient client) throws IOException, QmpError {
        while (true) {
            JsonNode answer = client.execute("query-x-plan");
            String status = answer.get("status").stringValue();
            if (status.equals("failed")) {
                throw new IOException(answer.get("reason").stringValue());
            }
            if (status.equals("measured")) {
                return answer;
            }
            LockSupport.parkNanos(POLL.toNanos());
        }
    }
}
