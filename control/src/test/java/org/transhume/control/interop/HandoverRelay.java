package org.transhume.control.interop;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Stands between two guests and lets everything through, but for some words of x-handover: instead of passing such a word on it
 * does something, and then drops the connection. Connections to a destination that is gone are dropped, too.
 */
final class HandoverRelay implements AutoCloseable {
    /** What decides who has the guest (docs/wire.md), and which of the sides says it. */
    enum Word {
        READY(1, false),
        GRANT(2, true),
        HEARD(3, true),
        ASK(4, true),
        RUNS(5, false),
        RENOUNCED(6, false),
        /** Of QEMU's return path: whether the guest was started. */
        SHUT(0, false);

        private final int code;
        private final boolean fromSource;

        Word(int code, boolean fromSource) {
            this.code = code;
            this.fromSource = fromSource;
        }

        /** It is sent by itself, so it is the end of what was read. */
        private boolean ends(ByteBuffer read, boolean toDestination) {
            if (fromSource != toDestination || read.limit() < bytes()) {
                return false;
            }
            int at = read.limit() - bytes();
            return switch (this) {
                case SHUT -> read.getInt(at) == SHUT_HEAD;
                case READY -> read.getInt(at) == READY_HEAD && isRecord(read, at + HEAD);
                default -> isRecord(read, at);
            };
        }

        private boolean isRecord(ByteBuffer read, int at) {
            return read.getInt(at) == MAGIC && read.getShort(at + CODE_AT) == code;
        }

        private int bytes() {
            return switch (this) {
                case SHUT -> 2 * HEAD;
                case READY -> HEAD + RECORD;
                default -> RECORD;
            };
        }
    }

    /** What happens in the place of a word. */
    interface Hook {
        void run() throws Exception;
    }

    /** A word that does not arrive. */
    record Break(Word word, Hook hook) {}

    private static final int MAGIC = 0x5452_484F;
    private static final int RECORD = 28;
    private static final int CODE_AT = 6;
    private static final int ID_AT = 12;
    /** Type and length of a message of the return path. */
    private static final int HEAD = 4;

    private static final int SHUT_HEAD = 0x0001_0004;
    private static final int READY_HEAD = 0x5448_001C;

    private final ServerSocket server = new ServerSocket(0, 16, InetAddress.getLoopbackAddress());
    private final int target;
    private final Deque<Break> breaks; // guarded by this, as are the others
    private final List<Socket> sockets = new ArrayList<>();
    private final List<Word> words = new ArrayList<>();
    private final CompletableFuture<Void> broken = new CompletableFuture<>();
    private UUID id;

    /** @param breaks happen in this order, each once */
    HandoverRelay(int target, List<Break> breaks) throws IOException {
        this.target = target;
        this.breaks = new ArrayDeque<>(breaks);
        Thread.ofPlatform().daemon().name("relay").start(this::accept);
    }

    String uri() {
        return "tcp:127.0.0.1:" + server.getLocalPort();
    }

    /** Completes when the last break has happened; fails with what a hook threw. */
    CompletableFuture<Void> broken() {
        return broken;
    }

    /** All that were said, those that did not arrive among them. */
    synchronized List<Word> words() {
        return List.copyOf(words);
    }

    /** Of the hand-over, as READY had it. */
    synchronized UUID id() {
        return id;
    }

    private void accept() {
        while (!server.isClosed()) {
            try {
                Socket from = keep(server.accept());
                try {
                    Socket to = keep(new Socket(InetAddress.getLoopbackAddress(), target));
                    AtomicBoolean dropped = new AtomicBoolean();
                    pump(from, to, true, dropped);
                    pump(to, from, false, dropped);
                } catch (IOException e) {
                    from.close(); // nobody there any more
                }
            } catch (IOException e) {
                // closed, or the source is gone
            }
        }
    }

    private Socket keep(Socket socket) throws IOException {
        socket.setTcpNoDelay(true);
        synchronized (this) {
            sockets.add(socket);
        }
        return socket;
    }

    /** @param dropped a closed socket still gives what its peer answers to the close, and that must not go through */
    private void pump(Socket from, Socket to, boolean toDestination, AtomicBoolean dropped) {
        Thread.ofPlatform().daemon().name("relay").start(() -> {
            byte[] chunk = new byte[1 << 16];
            try (from;
                    to) {
                for (int n = from.getInputStream().read(chunk);
                        n >= 0;
                        n = from.getInputStream().read(chunk)) {
                    if (dropped.get()) {
                        return;
                    }
                    Word word = wordIn(ByteBuffer.wrap(chunk, 0, n), toDestination);
                    Break due = word == null ? null : due(word);
                    if (due != null) {
                        dropped.set(true);
                        to.getOutputStream().write(chunk, 0, n - word.bytes());
                        run(due.hook);
                        return;
                    }
                    to.getOutputStream().write(chunk, 0, n);
                }
            } catch (IOException e) {
                // one of them is gone
            }
        });
    }

    private synchronized Word wordIn(ByteBuffer read, boolean toDestination) {
        for (Word word : Word.values()) {
            if (word.ends(read, toDestination)) {
                words.add(word);
                if (word == Word.READY) {
                    int at = read.limit() - RECORD + ID_AT;
                    id = new UUID(read.getLong(at), read.getLong(at + Long.BYTES));
                }
                return word;
            }
        }
        return null;
    }

    private synchronized Break due(Word word) {
        return !breaks.isEmpty() && breaks.getFirst().word == word ? breaks.removeFirst() : null;
    }

    private void run(Hook hook) {
        try {
            hook.run();
            synchronized (this) {
                if (breaks.isEmpty()) {
                    broken.complete(null);
                }
            }
        } catch (Throwable t) {
            broken.completeExceptionally(t);
        }
    }

    @Override
    public void close() throws IOException {
        server.close();
        synchronized (this) {
            for (Socket socket : sockets) {
                socket.close();
            }
        }
    }
}
