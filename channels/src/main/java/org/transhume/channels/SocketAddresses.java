package org.transhume.channels;

import static org.transhume.channels.SystemCalls.AF_INET;
import static org.transhume.channels.SystemCalls.AF_INET6;
import static org.transhume.channels.SystemCalls.AF_UNIX;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.foreign.ValueLayout.OfShort;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteOrder;
import java.nio.charset.Charset;
import java.nio.file.Path;

/** The kernel's struct sockaddr: sockaddr_in, sockaddr_in6 and sockaddr_un. */
final class SocketAddresses {
    /** The longest of them, as room for an answer. */
    static final int MAX_BYTES = 128;

    private static final int PATH_BYTES = 108;
    private static final OfShort PORT = ValueLayout.JAVA_SHORT.withOrder(ByteOrder.BIG_ENDIAN);
    // The charset in which the JDK itself hands file names to the kernel.
    private static final Charset FILE_NAMES =
            Charset.forName(System.getProperty("sun.jnu.encoding"), Charset.defaultCharset());

    private SocketAddresses() {}

    static MemorySegment of(Arena arena, InetAddress address, int port) {
        byte[] bytes = address.getAddress();
        boolean v4 = bytes.length == 4;
        MemorySegment s = arena.allocate(v4 ? 16 : 28, Integer.BYTES);
        s.set(ValueLayout.JAVA_SHORT, 0, (short) (v4 ? AF_INET : AF_INET6));
        s.set(PORT, 2, (short) port);
        MemorySegment.copy(bytes, 0, s, ValueLayout.JAVA_BYTE, v4 ? 4 : 8, bytes.length);
        if (address instanceof Inet6Address v6) {
            s.set(ValueLayout.JAVA_INT, 24, v6.getScopeId());
        }
        return s;
    }

    static MemorySegment of(Arena arena, Path path) throws IOException {
        MemorySegment name = fileName(arena, path);
        if (name.byteSize() > PATH_BYTES) {
            throw new IOException(
                    "UNIX socket path '" + path + "' is too long: must be less than " + PATH_BYTES + " bytes");
        }
        MemorySegment s = arena.allocate(2 + PATH_BYTES, Short.BYTES);
        s.set(ValueLayout.JAVA_SHORT, 0, (short) AF_UNIX);
        MemorySegment.copy(name, 0, s, 2, name.byteSize());
        return s;
    }

    static int family(MemorySegment s) {
        return s.get(ValueLayout.JAVA_SHORT, 0);
    }

    static int port(MemorySegment s) {
        return Short.toUnsignedInt(s.get(PORT, 2));
    }

    /** The peer of an accepted TCP socket. */
    static Address.Tcp tcp(MemorySegment s) throws UnknownHostException {
        boolean v4 = family(s) == AF_INET;
        byte[] bytes = s.asSlice(v4 ? 4 : 8, v4 ? 4 : 16).toArray(ValueLayout.JAVA_BYTE);
        return new Address.Tcp(InetAddress.getByAddress(bytes).getHostAddress(), port(s));
    }

    /** A path as the kernel takes it, with its final NUL. */
    static MemorySegment fileName(Arena arena, Path path) {
        byte[] bytes = path.toString().getBytes(FILE_NAMES);
        MemorySegment name = arena.allocate(bytes.length + 1L);
        MemorySegment.copy(bytes, 0, name, ValueLayout.JAVA_BYTE, 0, bytes.length);
        return name;
    }
}
