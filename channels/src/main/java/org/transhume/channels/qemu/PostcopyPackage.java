package org.transhume.channels.qemu;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What starts the guest at its destination before its pages are there (spec: stream.md §8.3): LISTEN, its devices, RUN. From
 * LISTEN on pages may come beside it.
 *
 * @param devices without a description
 * @param sections of these
 * @param pings to be answered once the devices are loaded
 * @param bytes of the package
 */
public record PostcopyPackage(DeviceTail devices, List<DeviceSection> sections, List<Integer> pings, int bytes) {
    /** A peer that packs more than this is refused: it must be in memory before anything of it is obeyed. */
    public static final int MAX_BYTES = 64 << 20;

    private static final int FIRST_ROOM = 64 << 10;
    private static final byte[] LISTEN = {Wire.COMMAND, 0, Command.POSTCOPY_LISTEN, 0, 0};
    static final byte[] RUN = {Wire.COMMAND, 0, Command.POSTCOPY_RUN, 0, 0};
    private static final byte[] PING = {Wire.COMMAND, 0, Command.PING, 0, Integer.BYTES};
    private static final int PING_BYTES = PING.length + Integer.BYTES;

    /** The bytes of a package, as {@link #read} takes them. */
    static byte[] compose(DeviceTail devices, int ping) {
        byte[] sections = devices.sections();
        long length = LISTEN.length + (long) sections.length + PING_BYTES;
        if (length > MAX_BYTES - RUN.length) {
            throw new IllegalArgumentException(
                    "a package of %d bytes of devices: expected at most %d with what is around them"
                            .formatted(sections.length, MAX_BYTES));
        }
        return ByteBuffer.allocate((int) length)
                .put(LISTEN)
                .put(sections)
                .put(PING)
                .putInt(ping)
                .array();
    }

    /** Reads {@code length} bytes, checked against {@link #MAX_BYTES}. */
    static PostcopyPackage read(StreamReader in, int length) throws IOException {
        long base = in.offset();
        byte[] bytes = all(in, length);
        if (!stands(LISTEN, bytes, 0)) {
            throw in.corrupt(base, "a package that does not begin with POSTCOPY_LISTEN");
        }
        int end = run(bytes);
        if (end < 0) {
            throw in.corrupt(base, "a package of %d bytes without POSTCOPY_RUN".formatted(length));
        }
        List<Integer> pings = new ArrayList<>();
        while (end - PING_BYTES >= LISTEN.length && stands(PING, bytes, end - PING_BYTES)) {
            end -= PING_BYTES;
            pings.addFirst(ByteBuffer.wrap(bytes).getInt(end + PING.length));
        }
        DeviceTailParser parser = new DeviceTailParser(in.channel(), base + LISTEN.length);
        // Behind the devices of a package comes no EOF, which the parser looks for.
        byte[] tail = Arrays.copyOfRange(bytes, LISTEN.length, end + 1);
        tail[tail.length - 1] = Wire.EOF;
        parser.append(tail, tail.length);
        parser.advance(true);
        if (parser.surplus() > 0) {
            throw in.corrupt(
                    base + end - parser.surplus(),
                    "%d bytes behind the devices of a package, expected POSTCOPY_RUN".formatted(parser.surplus()));
        }
        return new PostcopyPackage(parser.tail(), parser.sections(), List.copyOf(pings), length);
    }

    /** Grows with what comes, not with what was announced. */
    private static byte[] all(StreamReader in, int length) throws IOException {
        byte[] bytes = new byte[Math.min(length, FIRST_ROOM)];
        int had = 0;
        while (had < length) {
            if (had == bytes.length) {
                bytes = Arrays.copyOf(bytes, Math.min(length, 2 * had));
            }
            int count = in.some(bytes, had, bytes.length - had);
            if (count < 0) {
                throw in.corrupt(in.offset(), "the stream ends inside a package of %d bytes".formatted(length));
            }
            had += count;
        }
        return bytes;
    }

    /** Where the last RUN stands: what is behind it is not read. */
    private static int run(byte[] bytes) {
        for (int at = bytes.length - RUN.length; at >= LISTEN.length; at--) {
            if (stands(RUN, bytes, at)) {
                return at;
            }
        }
        return -1;
    }

    private static boolean stands(byte[] what, byte[] in, int at) {
        return in.length - at >= what.length && Arrays.equals(what, 0, what.length, in, at, at + what.length);
    }
}
