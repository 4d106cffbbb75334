package org.transhume.control.domain.wire;

import java.io.IOException;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.transhume.channels.Address;
import org.transhume.channels.Connection;
import org.transhume.channels.Connections;
import org.transhume.channels.Listener;
import org.transhume.channels.qemu.CorruptStreamException;
import org.transhume.control.domain.Host;
import org.transhume.control.domain.HostConnection;
import org.transhume.control.domain.error.HostLostException;
import org.transhume.control.domain.host.MigrationUri;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Lets other processes speak with a host, until it is closed. */
public final class DomainService implements AutoCloseable {
    private static final int MOST_PEERS = 64;
    /** For a peer that does not take what it asked for. */
    private static final Duration STALL = Duration.ofSeconds(60);

    private final Host host;
    private final Listener listener;
    private final Set<Connection> peers = ConcurrentHashMap.newKeySet();

    private DomainService(Host host, Listener listener) {
        this.host = host;
        this.listener = listener;
    }

    /**
     * Listens; accepts when this returns.
     *
     * @param uri {@code tcp:HOST:PORT} or {@code unix:PATH}
     */
    public static DomainService open(String uri, Host host) throws IOException {
        DomainService service = new DomainService(host, Connections.listen(MigrationUri.parse(uri)));
        Thread.ofPlatform().daemon().name("domain service").start(service::accept);
        return service;
    }

    /** Where it listens. */
    public Address address() {
        return listener.address();
    }

    private void accept() {
        try {
            while (true) {
                Connection peer = listener.accept(Duration.ZERO);
                if (peers.size() >= MOST_PEERS) {
                    peer.close();
                    continue;
                }
                peers.add(peer);
                Thread.ofPlatform().daemon().name("domain peer").start(() -> serve(peer));
            }
        } catch (IOException e) {
            // closed
        }
    }

    /** Goes on reading while it works, to notice a peer that is gone. */
    private void serve(Connection peer) {
        peer.limitWrites("domain peer", STALL);
        try (Frames frames = new Frames(peer)) {
            serve(peer, frames);
        } catch (IOException | CorruptStreamException | HostLostException e) {
            // It is gone, or none of ours: either way it has said its last.
        } finally {
            peers.remove(peer);
        }
    }

    private void serve(Connection peer, Frames frames) throws IOException {
        try (peer;
                HostConnection connection = host.connect()) {
            frames.greet();
            frames.greeted();
            AtomicBoolean busy = new AtomicBoolean();
            while (!frames.atEnd()) {
                JsonNode request = frames.read();
                if (!busy.compareAndSet(false, true)) {
                    break; // it did not wait for its answer
                }
                Thread.ofPlatform().daemon().name("domain call").start(() -> {
                    ObjectNode answer = Service.answer(connection, request);
                    busy.set(false);
                    try {
                        frames.write(answer);
                    } catch (IOException e) {
                        peer.close(); // the reader sees it
                    }
                });
            }
        }
    }

    @Override
    public void close() {
        listener.close();
        peers.forEach(Connection::close);
    }
}
