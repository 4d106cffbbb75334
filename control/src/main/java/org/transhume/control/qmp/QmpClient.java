package org.transhume.control.qmp;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** A client of any QMP server. Safe for any thread; several commands may be under way at a time. */
public final class QmpClient implements AutoCloseable {
    private final SocketChannel channel;
    private final Duration limit;
    private final Thread reader;
    private final CompletableFuture<JsonNode> greeting = new CompletableFuture<>();
    private final Map<Long, CompletableFuture<JsonNode>> pending = new ConcurrentHashMap<>();
    private final BlockingQueue<JsonNode> events = new LinkedBlockingQueue<>();
    private final AtomicLong ids = new AtomicLong();
    private final Object writing = new Object();

    private QmpClient(SocketChannel channel, Duration limit) {
        this.channel = channel;
        this.limit = limit;
        this.reader = Thread.ofPlatform().daemon().name("qmp-client").unstarted(this::read);
    }

    /**
     * Connects and negotiates.
     *
     * @param limit for connecting and for each command, unless one is given with it
     * @param enable capabilities of the protocol to enable, for instance {@code oob}
     * @throws ConnectException if nobody listens there
     * @throws QmpError if the server does not offer one of them
     */
    public static QmpClient connect(QmpAddress address, Duration limit, String... enable) throws IOException, QmpError {
        SocketChannel channel = SocketChannel.open(address.family());
        try {
            dial(channel, address, limit);
            QmpClient client = new QmpClient(channel, limit);
            client.reader.start();
            client.negotiate(enable);
            return client;
        } catch (IOException | QmpError | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    private static void dial(SocketChannel channel, QmpAddress address, Duration limit) throws IOException {
        try {
            if (address.socket() instanceof InetSocketAddress inet) {
                channel.socket().connect(inet, (int) limit.toMillis());
            } else {
                channel.connect(address.socket());
            }
        } catch (IOException e) {
            ConnectException nobody = new ConnectException(
                    "%s: %s; expected a QMP server there: is its process running, with this address?"
                            .formatted(address, e.getMessage()));
            nobody.initCause(e);
            throw nobody;
        }
    }

    private void negotiate(String... enable) throws IOException, QmpError {
        await(greeting, limit, "no greeting; a server greets one client at a time");
        ObjectNode arguments = Json.object();
        for (String capability : enable) {
            arguments.withArray("enable").add(capability);
        }
        execute(QmpDispatcher.NEGOTIATE, arguments);
    }

    /** The first line of the server. */
    public JsonNode greeting() {
        return greeting.join();
    }

    /** Runs a command without arguments. */
    public JsonNode execute(String command) throws IOException, QmpError {
        return execute(command, null);
    }

    /** Runs a command; {@code arguments} may be null. */
    public JsonNode execute(String command, JsonNode arguments) throws IOException, QmpError {
        return run("execute", command, arguments, limit);
    }

    /** Runs a command that may take {@code time}. */
    public JsonNode execute(String command, JsonNode arguments, Duration time) throws IOException, QmpError {
        return run("execute", command, arguments, time);
    }

    /** Runs a command out of band, which {@code oob} must have been enabled for. */
    public JsonNode executeOutOfBand(String command, JsonNode arguments) throws IOException, QmpError {
        return run("exec-oob", command, arguments, limit);
    }

    private JsonNode run(String how, String command, JsonNode arguments, Duration time) throws IOException, QmpError {
        long id = ids.incrementAndGet();
        ObjectNode request = Json.object().put(how, command);
        if (arguments != null && !arguments.isEmpty()) {
            request.set("arguments", arguments);
        }
        request.put("id", id);
        CompletableFuture<JsonNode> coming = new CompletableFuture<>();
        pending.put(id, coming);
        JsonNode answer;
        try {
            send(request);
            answer = await(coming, time, "no answer to " + command);
        } finally {
            pending.remove(id);
        }
        if (answer.has("error")) {
            JsonNode error = answer.get("error");
            throw new QmpError(
                    QmpError.Kind.named(error.path("class").asString()),
                    error.path("desc").asString());
        }
        return answer.get("return");
    }

    /** Waits for an event called {@code name}; earlier ones of other names are dropped. */
    public JsonNode awaitEvent(String name, Duration time) throws IOException {
        long deadline = System.nanoTime() + time.toNanos();
        try {
            while (true) {
                JsonNode event = events.poll(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
                if (event == null) {
                    throw new SocketTimeoutException("no event " + name + " within " + time.toMillis() + " ms");
                }
                if (event.path("event").asString().equals(name)) {
                    return event;
                }
            }
        } catch (InterruptedException stop) {
            throw interrupted();
        }
    }

    /** All events that have come and were not yet taken, in order. */
    public List<JsonNode> takeEvents() {
        List<JsonNode> taken = new ArrayList<>();
        events.drainTo(taken);
        return taken;
    }

    private void send(ObjectNode request) throws IOException {
        ByteBuffer line = ByteBuffer.wrap(Json.line(request));
        synchronized (writing) {
            while (line.hasRemaining()) {
                int _ = channel.write(line);
            }
        }
    }

    private static JsonNode await(CompletableFuture<JsonNode> coming, Duration time, String otherwise)
            throws IOException {
        try {
            return coming.get(time.toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException late) {
            throw new SocketTimeoutException(otherwise + " within " + time.toMillis() + " ms");
        } catch (ExecutionException gone) {
            throw new IOException(gone.getCause().getMessage(), gone.getCause());
        } catch (InterruptedException stop) {
            throw interrupted();
        }
    }

    private static InterruptedIOException interrupted() {
        Thread.currentThread().interrupt();
        return new InterruptedIOException("interrupted while waiting for a QMP server");
    }

    private void read() {
        IOException end = new IOException("the QMP server closed the connection");
        JsonFramer framer = new JsonFramer(new JsonFramer.Receiver() {
            @Override
            public void value(JsonNode value) {
                sort(value);
            }

            @Override
            public void fault(String desc) {
                greeting.completeExceptionally(new IOException("what answers is no QMP server: " + desc));
            }
        });
        try {
            ByteBuffer input = ByteBuffer.allocate(16 << 10);
            while (channel.read(input) >= 0) {
                framer.take(input.flip());
                input.clear();
            }
        } catch (IOException gone) {
            end = gone;
        } finally {
            fail(end);
        }
    }

    private void sort(JsonNode value) {
        if (value.has("event")) {
            events.add(value);
        } else if (value.has("QMP")) {
            greeting.complete(value);
        } else {
            CompletableFuture<JsonNode> waiting = pending.get(value.path("id").asLong(-1));
            if (waiting != null) {
                waiting.complete(value);
            }
        }
    }

    private void fail(IOException why) {
        try {
            channel.close();
        } catch (IOException closing) {
            why.addSuppressed(closing);
        }
        greeting.completeExceptionally(why);
        pending.values().forEach(waiting -> waiting.completeExceptionally(why));
    }

    @Override
    public void close() throws IOException {
        channel.close();
        try {
            reader.join();
        } catch (InterruptedException stop) {
            Thread.currentThread().interrupt();
        }
    }
}
