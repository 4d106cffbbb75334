package org.transhume.control.qmp;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The other end of a monitor, byte by byte: it sends whatever a test likes, and reads lines. */
public final class QmpPeer implements AutoCloseable {
    private final SocketChannel channel;
    private final BufferedReader lines;

    public QmpPeer(Path path) throws IOException {
        channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        channel.connect(UnixDomainSocketAddress.of(path));
        InputStream in = Channels.newInputStream(channel);
        lines = new BufferedReader(new InputStreamReader(in, UTF_8));
    }

    /** A peer that has heard the greeting and negotiated. */
    static QmpPeer negotiated(Path path) throws IOException {
        return negotiated(path, "{'execute':'qmp_capabilities'}");
    }

    static QmpPeer withOob(Path path) throws IOException {
        return negotiated(path, "{'execute':'qmp_capabilities','arguments':{'enable':['oob']}}");
    }

    private static QmpPeer negotiated(Path path, String request) throws IOException {
        QmpPeer peer = new QmpPeer(path);
        peer.line();
        peer.send(request);
        String answer = peer.line();
        if (!answer.equals("{\"return\": {}}")) {
            throw new IOException("not negotiated: " + answer);
        }
        return peer;
    }

    void send(String text) throws IOException {
        send(text.getBytes(UTF_8));
    }

    public void send(byte[] bytes) throws IOException {
        ByteBuffer all = ByteBuffer.wrap(bytes);
        while (all.hasRemaining()) {
            int _ = channel.write(all);
        }
    }

    /** The next line without its end; null once the server has closed the connection. */
    public String line() throws IOException {
        return lines.readLine();
    }

    List<String> lines(int count) throws IOException {
        List<String> read = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            read.add(line());
        }
        return read;
    }

    /** Sends {@code bytes}, and gives all lines that come back up to the answer to a last request of its own. */
    List<String> answersTo(byte[] bytes) throws IOException {
        send(bytes);
        send("\n{'execute':'query-version','id':'last'}");
        List<String> answers = new ArrayList<>();
        for (String line = line(); line != null && !line.endsWith("\"id\": \"last\"}"); line = line()) {
            answers.add(line);
        }
        return answers;
    }

    List<String> answersTo(String text) throws IOException {
        return answersTo(text.getBytes(UTF_8));
    }

    void doneWriting() throws IOException {
        channel.shutdownOutput();
    }

    /** The desc of an answer that is a {@code GenericError} without id. */
    static String generic(String desc) {
        return error("GenericError", desc);
    }

    static String error(String kind, String desc) {
        return Json.text(Json.parse(("{\"error\": {\"class\": \"" + kind + "\", \"desc\": "
                        + Json.text(tools.jackson.databind.node.StringNode.valueOf(desc)) + "}}")
                .getBytes(UTF_8)));
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
