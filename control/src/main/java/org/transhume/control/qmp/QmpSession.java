package org.transhume.control.qmp;

import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** What one client has negotiated, and the course of its requests. Fed by one thread; events come from any. */
final class QmpSession implements JsonFramer.Receiver, AutoCloseable {
    /** The one capability that can be negotiated: requests out of band. */
    static final String OOB = "oob";

    private final QmpDispatcher dispatcher;
    private final QmpOutput output;
    private final String name;
    // Volatile: set by the reader, looked at by whoever emits an event.
    private volatile boolean negotiated;
    private InBandQueue queue;

    QmpSession(QmpDispatcher dispatcher, QmpOutput output, String name) {
        this.dispatcher = dispatcher;
        this.output = output;
        this.name = name;
    }

    /** Greets the client; from now on events may follow. */
    void open() {
        output.answer(Json.line(dispatcher.greeting()));
        dispatcher.attach(this);
    }

    @Override
    public void close() {
        dispatcher.detach(this);
        if (queue != null) {
            queue.close();
        }
    }

    /** An event that was emitted; nothing to a client that has not negotiated. */
    void event(byte[] line) {
        if (negotiated) {
            output.event(line);
        }
    }

    @Override
    public void fault(String desc) {
        inBand(() -> fail(new QmpError(desc), null));
    }

    @Override
    public void value(JsonNode input) {
        JsonNode id = input.isObject() ? input.get("id") : null;
        QmpRequest request;
        try {
            request = QmpRequest.parse(input, queue != null);
        } catch (QmpError malformed) {
            inBand(() -> fail(malformed, id));
            return;
        }
        if (!negotiated) {
            answer(id, () -> negotiate(request));
        } else if (request.outOfBand()) {
            answer(id, () -> dispatcher.executeOutOfBand(request.command(), request.arguments()));
        } else {
            inBand(() -> answer(id, () -> dispatcher.execute(request.command(), request.arguments())));
        }
    }

    private JsonNode negotiate(QmpRequest request) throws QmpError {
        if (!request.command().equals(QmpDispatcher.NEGOTIATE)) {
            throw new QmpError(
                    QmpError.Kind.COMMAND_NOT_FOUND,
                    "Expecting capabilities negotiation with '" + QmpDispatcher.NEGOTIATE + "'");
        }
        List<String> enabled = dispatcher.negotiation(request.arguments()).texts("enable");
        if (enabled.contains(OOB)) {
            queue = new InBandQueue(name + "-inband");
            queue.start();
        }
        // Before the answer: whoever has heard that misses no event.
        negotiated = true;
        return Json.object();
    }

    private void inBand(Runnable work) {
        if (queue == null) {
            work.run();
        } else {
            queue.execute(work);
        }
    }

    /** Something that has a result or is refused. */
    private interface Work {
        JsonNode run() throws QmpError;
    }

    private void answer(JsonNode id, Work work) {
        try {
            JsonNode result = work.run();
            ObjectNode answer = Json.object();
            answer.set("return", result);
            if (id != null) {
                answer.set("id", id);
            }
            output.answer(Json.line(answer));
        } catch (QmpError refused) {
            fail(refused, id);
        }
    }

    private void fail(QmpError error, JsonNode id) {
        ObjectNode answer = Json.object();
        if (id != null) {
            answer.set("id", id);
        }
        answer.putObject("error").put("class", error.kind().wireName()).put("desc", error.getMessage());
        output.answer(Json.line(answer));
    }
}
