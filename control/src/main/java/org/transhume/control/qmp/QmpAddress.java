package org.transhume.control.qmp;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ProtocolFamily;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.net.UnknownHostException;
import java.nio.file.InvalidPathException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Where a monitor listens: {@code unix:PATH} or {@code tcp:HOST:PORT}, an IPv6 host in brackets. */
public record QmpAddress(SocketAddress socket) {
    private static final Pattern TCP = Pattern.compile("tcp:(?:\\[([^\\]]*)]|([^:]*)):([0-9]{1,5})");
    private static final String EXPECTED = ": expected unix:PATH or tcp:HOST:PORT";

    /**
     * Reads {@code uri}; an empty host is any local address to listen at. Port 0 is any free one.
     *
     * @throws IllegalArgumentException if it is neither form, or the host has no address
     */
    public static QmpAddress parse(String uri) {
        if (uri.startsWith("unix:") && uri.length() > "unix:".length()) {
            try {
                return new QmpAddress(UnixDomainSocketAddress.of(uri.substring("unix:".length())));
            } catch (InvalidPathException bad) {
                throw new IllegalArgumentException(uri + EXPECTED, bad);
            }
        }
        Matcher tcp = TCP.matcher(uri);
        if (!tcp.matches() || Integer.parseInt(tcp.group(3)) > 65_535) {
            throw new IllegalArgumentException(uri + EXPECTED);
        }
        String host = tcp.group(1) != null ? tcp.group(1) : tcp.group(2);
        int port = Integer.parseInt(tcp.group(3));
        if (host.isEmpty()) {
            return new QmpAddress(new InetSocketAddress(port));
        }
        try {
            return new QmpAddress(new InetSocketAddress(InetAddress.getByName(host), port));
        } catch (UnknownHostException unknown) {
            throw new IllegalArgumentException(uri + ": host " + host + " has no address", unknown);
        }
    }

    ProtocolFamily family() {
        return switch (socket) {
            case UnixDomainSocketAddress _ -> StandardProtocolFamily.UNIX;
            case InetSocketAddress inet
            when inet.getAddress() instanceof java.net.Inet6Address -> StandardProtocolFamily.INET6;
            default -> StandardProtocolFamily.INET;
        };
    }

    /** In the form that {@link #parse} reads. */
    @Override
    public String toString() {
        return switch (socket) {
            case UnixDomainSocketAddress unix -> "unix:" + unix.getPath();
            case InetSocketAddress inet -> {
                String host = inet.getAddress().getHostAddress();
                yield "tcp:" + (host.contains(":") ? "[" + host + "]" : host) + ":" + inet.getPort();
            }
            default -> socket.toString();
        };
    }
}
