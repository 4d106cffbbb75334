package org.transhume.control.interop;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;

/** A network between two processes that fails and mends on command. */
final class BreakableRelay implements AutoCloseable {
    private final ServerSocket server = new ServerSocket(0, 16, InetAddress.getLoopbackAddress());
    private final int target;
    private final List<Socket> sockets = new ArrayList<>(); // guarded by this
    private boolean broken; // guarded by this

    /** @param target port on this host */
    BreakableRelay(int target) throws IOException {
        this.target = target;
        Thread.ofPlatform().daemon().name("relay").start(this::accept);
    }

    /** Where the source finds its destination. */
    String uri() {
        return "tcp:127.0.0.1:" + server.getLocalPort();
    }

    /** Breaks all connections, and every new one at once, until {@link #mend}. */
    synchronized void cut() throws IOException {
        broken = true;
        for (Socket socket : sockets) {
            socket.close();
        }
        sockets.clear();
    }

    synchronized void mend() {
        broken = false;
    }

    private void accept() {
        while (!server.isClosed()) {
            try {
                Socket from = server.accept();
                if (!joined(from)) {
                    from.close();
                }
            } catch (IOException e) {
                // closed, or one of the two is gone
            }
        }
    }

    private synchronized boolean joined(Socket from) throws IOException {
        if (broken) {
            return false;
        }
        Socket to = new Socket(InetAddress.getLoopbackAddress(), target);
        for (Socket socket : List.of(from, to)) {
            socket.setTcpNoDelay(true);
            sockets.add(socket);
        }
        pump(from, to);
        pump(to, from);
        return true;
    }

    private static void pump(Socket from, Socket to) {
        Thread.ofPlatform().daemon().name("relay").start(() -> {
            try (from;
                    to) {
                long _ = from.getInputStream().transferTo(to.getOutputStream());
            } catch (IOException e) {
                // cut
            }
        });
    }

    @Override
    public void close() throws IOException {
        server.close();
        cut();
    }
}
