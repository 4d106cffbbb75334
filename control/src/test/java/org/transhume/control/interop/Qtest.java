package org.transhume.control.interop;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/**
 * Writes a QEMU's RAM through QEMU itself, so that its migration hears of it, also while the guest stands: over the socket
 * that is there for QEMU's own tests.
 */
final class Qtest implements AutoCloseable {
    private final SocketChannel socket;
    private final BufferedReader answers;

    private Qtest(SocketChannel socket) {
        this.socket = socket;
        this.answers =
                new BufferedReader(new InputStreamReader(Channels.newInputStream(socket), StandardCharsets.US_ASCII));
    }

    /** {@code guest} in a QEMU that listens at {@code path}. */
    static QemuGuest reachable(QemuGuest guest, Path path) {
        List<String> arguments = new ArrayList<>(guest.arguments());
        arguments.addAll(List.of("-qtest", "unix:%s,server=on,wait=off".formatted(path), "-qtest-log", "none"));
        return new QemuGuest(guest.ramBytes(), arguments);
    }

    static Qtest connect(Path path) throws IOException {
        return new Qtest(SocketChannel.open(UnixDomainSocketAddress.of(path)));
    }

    void write(long address, byte[] bytes) throws IOException {
        String command = "write 0x%x 0x%x 0x%s\n"
                .formatted(address, bytes.length, HexFormat.of().formatHex(bytes));
        ByteBuffer out = ByteBuffer.wrap(command.getBytes(StandardCharsets.US_ASCII));
        while (out.hasRemaining()) {
            socket.write(out);
        }
        String answer = answers.readLine();
        if (!"OK".equals(answer)) {
            throw new IOException("QEMU answers %s to %s".formatted(answer, command));
        }
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
