package org.transhume.engine;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.transhume.channels.Address;

/** A Unix socket that listens, where no further call is taken. */
final class FullListener implements AutoCloseable {
    private final Path directory = Files.createTempDirectory("full");
    private final Path path = directory.resolve("socket");
    private final ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    private final List<SocketChannel> waiting = new ArrayList<>();

    FullListener() throws IOException {
        listener.bind(UnixDomainSocketAddress.of(path), 1);
        boolean connected = true;
        while (connected) {
            SocketChannel next = SocketChannel.open(StandardProtocolFamily.UNIX);
            waiting.add(next);
            next.configureBlocking(false);
            try {
                connected = next.connect(UnixDomainSocketAddress.of(path));
            } catch (IOException full) {
                connected = false;
            }
        }
    }

    Address address() {
        return new Address.Unix(path);
    }

    @Override
    public void close() throws IOException {
        for (SocketChannel channel : waiting) {
            channel.close();
        }
        listener.close();
        Files.delete(path);
        Files.delete(directory);
    }
}
