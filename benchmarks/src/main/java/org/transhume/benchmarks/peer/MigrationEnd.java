package org.transhume.benchmarks.peer;

import java.io.IOException;
import java.net.ConnectException;
import java.net.SocketTimeoutException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.transhume.control.qmp.QmpAddress;
import org.transhume.control.qmp.QmpClient;
import org.transhume.control.qmp.QmpError;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** One end of a migration, whoever it is, over QMP. One thread. */
public final class MigrationEnd implements AutoCloseable {
    private static final Duration LIMIT = Duration.ofMinutes(5);
    private static final Duration START = Duration.ofSeconds(30);
    private static final Duration LOOK = Duration.ofMillis(500);
    private static final long PAUSE_MILLIS = 10;

    private final MeasuredProcess process;
    private final QmpClient qmp;

    private MigrationEnd(MeasuredProcess process, QmpClient qmp) {
        this.process = process;
        this.qmp = qmp;
    }

    /** Waits for {@code socket}, as long as the process lives. */
    public static MigrationEnd connect(MeasuredProcess process, Path socket) throws IOException {
        long deadline = System.nanoTime() + START.toNanos();
        while (true) {
            process.checkAlive();
            if (Files.exists(socket)) {
                try {
                    return new MigrationEnd(process, QmpClient.connect(QmpAddress.parse("unix:" + socket), LIMIT));
                } catch (ConnectException notYet) {
                    // It is bound, and does not listen yet.
                } catch (QmpError e) {
                    throw process.failure(e.getMessage());
                }
            }
            if (System.nanoTime() > deadline) {
                throw process.failure("does not listen at " + socket);
            }
            pause();
        }
    }

    private static void pause() throws IOException {
        try {
            Thread.sleep(PAUSE_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    public MeasuredProcess process() {
        return process;
    }

    public JsonNode execute(String command) throws IOException {
        return execute(command, null);
    }

    public JsonNode execute(String command, JsonNode arguments) throws IOException {
        try {
            return qmp.execute(command, arguments);
        } catch (QmpError e) {
            throw process.failure("answers %s with '%s'".formatted(command, e.getMessage()));
        }
    }

    /** Switches capabilities on. */
    public void enable(Iterable<String> capabilities) throws IOException {
        ObjectNode arguments = JsonNodeFactory.instance.objectNode();
        for (String name : capabilities) {
            arguments
                    .withArray("capabilities")
                    .addObject()
                    .put("capability", name)
                    .put("state", true);
        }
        execute("migrate-set-capabilities", arguments);
    }

    /** @param parameters numbers, and strings */
    public void set(Map<String, ?> parameters) throws IOException {
        ObjectNode arguments = JsonNodeFactory.instance.objectNode();
        parameters.forEach((name, value) -> {
            if (value instanceof Number number) {
                arguments.put(name, number.longValue());
            } else {
                arguments.put(name, value.toString());
            }
        });
        execute("migrate-set-parameters", arguments);
    }

    /** Waits for a guest on loopback; returns the address to migrate to. */
    public String listen() throws IOException {
        execute("migrate-incoming", uri("tcp:127.0.0.1:0"));
        JsonNode address = execute("query-migrate").path("socket-address").path(0);
        return "tcp:127.0.0.1:" + address.path("port").asString();
    }

    public void migrate(String uri) throws IOException {
        execute("migrate", uri(uri));
    }

    private static ObjectNode uri(String uri) {
        return JsonNodeFactory.instance.objectNode().put("uri", uri);
    }

    /**
     * Waits for the event that says so, which takes capability {@code events}: asking again and again would cost what is to be
     * measured.
     *
     * @throws IOException if it failed
     */
    public void awaitCompleted() throws IOException {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (System.nanoTime() < deadline) {
            try {
                switch (qmp.awaitEvent("MIGRATION", LOOK)
                        .path("data")
                        .path("status")
                        .asString("")) {
                    case "completed" -> {
                        return;
                    }
                    case "failed", "cancelled" -> throw process.failure("failed: " + execute("query-migrate"));
                    default -> {
                        // It goes on.
                    }
                }
            } catch (SocketTimeoutException none) {
                process.checkAlive();
            }
        }
        throw process.failure("has not migrated within " + LIMIT);
    }

    @Override
    public void close() throws IOException {
        qmp.close();
    }
}
