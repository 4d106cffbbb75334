package org.transhume.engine.outgoing;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.transhume.channels.qemu.MainStreamWriter;
import org.transhume.engine.ConnectionSet;

/** What a postcopy sends over between two losses of its connections. The migration's thread. */
final class PostcopyLink implements AutoCloseable {
    private final ConnectionSet connections;
    private final MainStreamWriter out;
    private final AnswerReader answers;
    private final List<LaneGroup> lanes = new ArrayList<>();
    private final boolean first;
    private Scanner scanner;
    private UrgentChannel urgent;
    private boolean closed;

    /**
     * @param answers closed with this
     * @param first whether the guest left over it: then {@code out} is closed by whoever made it
     */
    PostcopyLink(ConnectionSet connections, MainStreamWriter out, AnswerReader answers, boolean first) {
        this.connections = connections;
        this.out = out;
        this.answers = answers;
        this.first = first;
    }

    MainStreamWriter out() {
        return out;
    }

    AnswerReader answers() {
        return answers;
    }

    /** What sends its pages from here on. */
    void scanner(Scanner pages) {
        scanner = pages;
    }

    Scanner scanner() {
        return scanner;
    }

    /** The lanes of its scanner, from here on closed with this. */
    LaneGroup owned(LaneGroup group) {
        lanes.add(group);
        return group;
    }

    /** From here on closed with this. */
    void urgent(UrgentChannel channel) {
        urgent = channel;
    }

    /** No page is asked for any more. */
    void endUrgent(boolean sayIt) throws IOException {
        if (urgent != null) {
            urgent.end(sayIt);
        }
    }

    /** Breaks all connections, and waits for whoever worked on them. Harmless when repeated. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        connections.breakAll();
        answers.close();
        if (urgent != null) {
            urgent.close();
        }
        lanes.forEach(LaneGroup::close);
        if (!first) {
            out.close();
        }
    }
}
