package org.transhume.control.qmp;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.ReentrantLock;
import org.transhume.control.settings.Profile;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** The commands of one process, shared by all its monitors, and the way of its events to them. Safe for any thread. */
public final class QmpDispatcher {
    static final String NEGOTIATE = "qmp_capabilities";

    private static final Logger LOG = System.getLogger(QmpDispatcher.class.getName());

    private final Profile profile;
    private final String version;
    private final Map<String, QmpCommand> commands = new ConcurrentSkipListMap<>();
    private final List<QmpSession> sessions = new CopyOnWriteArrayList<>();
    private final ReentrantLock inBand = new ReentrantLock();
    private final Object emitting = new Object();

    /**
     * Knows at first {@code qmp_capabilities}, {@code query-version} and {@code query-commands}.
     *
     * @param version of Transhume, shown to clients
     */
    public QmpDispatcher(Profile profile, String version) {
        this.profile = profile;
        this.version = version;
        Argument enable =
                Argument.optional("enable", new ArgumentType.ListOf(new ArgumentType.Choice(List.of(QmpSession.OOB))));
        register(
                QmpCommand.of(NEGOTIATE, List.of(enable), _ -> {
                    throw new QmpError(
                            QmpError.Kind.COMMAND_NOT_FOUND,
                            "Capabilities negotiation is already complete, command ignored");
                }),
                QmpCommand.of("query-version", List.of(), _ -> version()),
                QmpCommand.of("query-commands", List.of(), _ -> names()));
    }

    public Profile profile() {
        return profile;
    }

    /**
     * Adds commands.
     *
     * @throws IllegalArgumentException if there is one of that name already
     */
    public void register(QmpCommand... added) {
        for (QmpCommand command : added) {
            if (commands.putIfAbsent(command.name(), command) != null) {
                throw new IllegalArgumentException(command.name() + " is registered already");
            }
        }
    }

    /** Sends an event without data to all monitors that have negotiated. Never waits for a client. */
    public void emit(String event) {
        emit(event, null);
    }

    /** Sends an event to all monitors that have negotiated, the same text to each. Never waits for a client. */
    public void emit(String event, JsonNode data) {
        // One at a time, so that all monitors see the same order.
        synchronized (emitting) {
            Instant now = Instant.now();
            ObjectNode message = Json.object();
            message.putObject("timestamp")
                    .put("seconds", now.getEpochSecond())
                    .put("microseconds", now.getNano() / 1000);
            message.put("event", event);
            if (data != null) {
                message.set("data", data);
            }
            byte[] line = Json.line(message);
            sessions.forEach(session -> session.event(line));
        }
    }

    /**
     * Runs the command {@code name}, in band after any other that is running.
     *
     * @param arguments null if there are none
     * @return never null
     */
    public JsonNode execute(String name, ObjectNode arguments) throws QmpError {
        QmpCommand command = find(name);
        inBand.lock();
        try {
            return run(command, arguments);
        } finally {
            inBand.unlock();
        }
    }

    /** Runs the command {@code name} at once, beside one in band. */
    JsonNode executeOutOfBand(String name, ObjectNode arguments) throws QmpError {
        QmpCommand command = find(name);
        if (!command.oob()) {
            throw new QmpError("The command " + name + " does not support OOB");
        }
        return run(command, arguments);
    }

    /** The checked arguments of a {@code qmp_capabilities} that came while negotiating. */
    Arguments negotiation(ObjectNode arguments) throws QmpError {
        return Arguments.checked(find(NEGOTIATE).arguments(), arguments);
    }

    private QmpCommand find(String name) throws QmpError {
        QmpCommand command = commands.get(name);
        if (command == null) {
            throw new QmpError(QmpError.Kind.COMMAND_NOT_FOUND, "The command " + name + " has not been found");
        }
        return command;
    }

    private static JsonNode run(QmpCommand command, ObjectNode arguments) throws QmpError {
        try {
            JsonNode result = command.execute(Arguments.checked(command.arguments(), arguments));
            return result == null ? Json.object() : result;
        } catch (RuntimeException bug) {
            LOG.log(Level.ERROR, "command " + command.name() + " failed unexpectedly", bug);
            throw new QmpError("Internal error in " + command.name() + ": " + bug);
        }
    }

    void attach(QmpSession session) {
        sessions.add(session);
    }

    void detach(QmpSession session) {
        sessions.remove(session);
    }

    /** What a client is told first. */
    JsonNode greeting() {
        ObjectNode greeting = Json.object();
        ObjectNode qmp = greeting.putObject("QMP");
        qmp.set("version", version());
        qmp.putArray("capabilities").add(QmpSession.OOB);
        return greeting;
    }

    private ObjectNode version() {
        ObjectNode answer = Json.object();
        answer.putObject("qemu")
                .put("micro", profile.micro())
                .put("minor", profile.minor())
                .put("major", profile.major());
        return answer.put("package", "Transhume " + version);
    }

    private ArrayNode names() {
        ArrayNode names = JsonNodeFactory.instance.arrayNode();
        commands.keySet().forEach(name -> names.addObject().put("name", name));
        return names;
    }
}
