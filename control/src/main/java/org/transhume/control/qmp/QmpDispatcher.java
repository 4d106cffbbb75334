package org.transhume.control.qmp;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.ReentrantLock;
import org.transhume.control.settings.IntegerType;
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
    private final Map<String, QmpEvent> events = new ConcurrentSkipListMap<>();
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
        ArgumentType whole = new ArgumentType.Whole(IntegerType.INT64);
        register(
                QmpCommand.of(NEGOTIATE, List.of(enable), _ -> {
                            throw new QmpError(
                                    QmpError.Kind.COMMAND_NOT_FOUND,
                                    "Capabilities negotiation is already complete, command ignored");
                        })
                        .describedAs("ends the negotiation; commands are taken from here on, with oob also out of band")
                        .onlyWhen("first on a connection, and once"),
                QmpCommand.of("query-version", List.of(), _ -> version())
                        .returning(new ArgumentType.Struct(
                                Argument.required(
                                        "qemu",
                                        new ArgumentType.Struct(
                                                Argument.required("major", whole),
                                                Argument.required("minor", whole),
                                                Argument.required("micro", whole))),
                                Argument.required("package", new ArgumentType.Text())))
                        .describedAs(
                                "the QEMU release whose names and limits count here, and the version of Transhume"),
                QmpCommand.of("query-commands", List.of(), _ -> names())
                        .returning(new ArgumentType.ListOf(
                                new ArgumentType.Struct(Argument.required("name", new ArgumentType.Text()))))
                        .describedAs("names of all commands"));
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

    /** Adds events: what {@link #emit} sends of these names is what clients are told to expect. */
    public void register(QmpEvent... added) {
        for (QmpEvent event : added) {
            if (events.putIfAbsent(event.name(), event) != null) {
                throw new IllegalArgumentException(event.name() + " is registered already");
            }
        }
    }

    /** All commands, in the order of their names. */
    public List<QmpCommand> commands() {
        return List.copyOf(commands.values());
    }

    /** All events, in the order of their names. */
    public List<QmpEvent> events() {
        return List.copyOf(events.values());
    }

    /** Sends an event without data to all monitors that have negotiated. Never waits for a client. */
    public void emit(String event) {
        emit(event, null);
    }

    /** Sends an event to all monitors that have negotiated, the same text to each. Never waits for a client. */
    public void emit(String event, JsonNode data) {
        assert events.isEmpty() || asDeclared(event, declared(event), data == null ? Json.object() : data);
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
            JsonNode answer = result == null ? Json.object() : result;
            assert command.description().isEmpty() || asDeclared(command.name(), command.result(), answer);
            return answer;
        } catch (RuntimeException bug) {
            LOG.log(Level.ERROR, "command " + command.name() + " failed unexpectedly", bug);
            throw new QmpError("Internal error in " + command.name() + ": " + bug);
        }
    }

    /** For tests, which run with assertions: what clients are told of a command or an event must be what they get. */
    private static boolean asDeclared(String name, ArgumentType declared, JsonNode value) {
        declared.flawOf(value).ifPresent(flaw -> {
            throw new IllegalStateException(
                    "%s is not as it was declared: %s, in %s".formatted(name, flaw, Json.text(value)));
        });
        return true;
    }

    private ArgumentType declared(String event) {
        QmpEvent known = events.get(event);
        if (known == null) {
            throw new IllegalStateException("event " + event + " was not registered");
        }
        return known.type();
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
