package org.transhume.channels.qemu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Header of a batch of pages on a multifd channel, read and written in place (spec: stream.md §5.2).
 * <pre>
 *   0      4        8      12           16            20                24          32          36..64    64        320
 *   |magic |version |flags |pages_alloc |normal_pages |next_packet_size |packet_num |zero_pages |reserved |ramblock |offsets
 * </pre>
 * One instance per channel; one thread.
 */
public final class MultifdPacket {
    /** Pages one packet can list: 512 KiB of them. */
    public static final int CAPACITY = 128;

    public static final int BYTES = 320 + 8 * CAPACITY;
    /** Longest body that a QEMU can receive. */
    public static final int MAX_BODY = 1 << 20;

    public static final int SYNC = 0x01;

    private static final int MAGIC = 0x11223344;
    private static final int VERSION = 1;
    private static final int DEVICE_STATE = 0x40;
    private static final int NAME = 64;
    private static final int NAME_BYTES = 256;
    private static final int OFFSETS = 320;

    private final MemorySegment frame;
    private String name = "";

    public MultifdPacket(Arena arena) {
        frame = arena.allocate(BYTES, 64);
    }

    /** The {@link #BYTES} of the header, to be sent or received into. */
    public MemorySegment frame() {
        return frame;
    }

    /** Makes this the header of a packet of pages of {@code block}; offsets, counts and data are set after. */
    public void pages(String block, long number) {
        start(0, CAPACITY, number);
        if (!block.equals(name)) {
            byte[] bytes = block.getBytes(StandardCharsets.ISO_8859_1);
            MemorySegment field = frame.asSlice(NAME, NAME_BYTES).fill((byte) 0);
            MemorySegment.copy(bytes, 0, field, ValueLayout.JAVA_BYTE, 0, Math.min(bytes.length, NAME_BYTES - 1));
            name = block;
        }
    }

    /** Makes this a SYNC packet, which carries nothing. */
    public void sync(long number) {
        start(SYNC, 0, number);
        frame.asSlice(NAME, BYTES - NAME).fill((byte) 0);
        name = "";
    }

    private void start(int flags, int alloc, long number) {
        frame.set(Wire.BE32, 0, MAGIC);
        frame.set(Wire.BE32, 4, VERSION);
        frame.set(Wire.BE32, 8, flags);
        frame.set(Wire.BE32, 12, alloc);
        frame.set(Wire.BE32, 16, 0);
        frame.set(Wire.BE32, 20, 0);
        frame.set(Wire.BE64, 24, number);
        frame.set(Wire.BE32, 32, 0);
    }

    public void counts(int normal, int zero) {
        frame.set(Wire.BE32, 16, normal);
        frame.set(Wire.BE32, 32, zero);
    }

    /**
     * Says what the data is. A packet without any names the method all the same, where one was agreed on.
     *
     * @param bytes 0..{@value #MAX_BODY}
     */
    public void data(MultifdMethod method, int bytes) {
        frame.set(Wire.BE32, 8, method.code);
        frame.set(Wire.BE32, 20, bytes);
    }

    /**
     * Sets where a page lies in its block.
     *
     * @param index 0..127: first the normal pages in the order of their data, then the zero pages
     */
    public void offset(int index, long bytes) {
        frame.set(Wire.BE64, OFFSETS + 8L * index, bytes);
    }

    public long offset(int index) {
        return frame.get(Wire.BE64, OFFSETS + 8L * index);
    }

    public boolean isSync() {
        return (frame.get(Wire.BE32, 8) & SYNC) != 0;
    }

    public int normalPages() {
        return frame.get(Wire.BE32, 16);
    }

    public int zeroPages() {
        return frame.get(Wire.BE32, 32);
    }

    public int dataBytes() {
        return frame.get(Wire.BE32, 20);
    }

    /** Counts packets over all channels, as the source says. */
    public long number() {
        return frame.get(Wire.BE64, 24);
    }

    /** Form of the data, if there are normal pages; null if it is none that this project knows. */
    public MultifdMethod method() {
        return MultifdMethod.of(frame.get(Wire.BE32, 8));
    }

    /**
     * Checks all that can be checked without the block list: counts are within the capacity afterwards, and data is in an
     * accepted form and of a length that this form can have.
     *
     * @param at offset of the header on the channel
     * @param accepted forms that data may have
     */
    public void check(String channel, long at, Set<MultifdMethod> accepted) {
        require(channel, at, frame.get(Wire.BE32, 0) == MAGIC, "magic", frame.get(Wire.BE32, 0), "0x11223344");
        require(channel, at + 4, frame.get(Wire.BE32, 4) == VERSION, "version", frame.get(Wire.BE32, 4), "1");
        int flags = frame.get(Wire.BE32, 8);
        require(
                channel,
                at + 8,
                (flags & ~(SYNC | MultifdMethod.MASK)) == 0,
                (flags & DEVICE_STATE) != 0 ? "flags with device state" : "flags",
                flags,
                "SYNC or none: devices with a channel of their own are not supported");
        int alloc = frame.get(Wire.BE32, 12);
        require(channel, at + 12, alloc >= 0 && alloc <= CAPACITY, "pages_alloc", alloc, "0..128");
        int normal = normalPages();
        require(channel, at + 16, normal >= 0 && normal <= alloc, "normal_pages", normal, "0..pages_alloc");
        int zero = zeroPages();
        require(
                channel,
                at + 32,
                zero >= 0 && zero <= alloc - normal,
                "zero_pages",
                zero,
                "0..the rest of pages_alloc");
        if (normal > 0) {
            // Only here: an empty packet of 7.2 carries leftovers of the one before.
            MultifdMethod method = method();
            if (method == null || !accepted.contains(method)) {
                throw new CorruptStreamException(
                        channel,
                        at + 8,
                        "multifd flags 0x%x: pages in form %s, expected %s: set compression and capabilities alike on both sides"
                                .formatted(
                                        flags,
                                        MultifdMethod.name(flags),
                                        accepted.stream().map(Object::toString).collect(Collectors.joining(" or "))));
            }
            int data = dataBytes();
            int plain = normal * Wire.PAGE_BYTES;
            switch (method) {
                case NONE ->
                    require(
                            channel,
                            at + 20,
                            data == plain,
                            "next_packet_size",
                            data,
                            "4096 bytes for each normal page");
                case DELTA -> {
                    int least = normal * (Short.BYTES + 1);
                    int most = normal * Short.BYTES + plain;
                    require(
                            channel,
                            at + 20,
                            data >= least && data <= most,
                            "next_packet_size",
                            data,
                            "a length and 1 to 4096 bytes for each normal page");
                }
                case ZLIB, ZSTD, LZ4 ->
                    require(
                            channel,
                            at + 20,
                            data >= 1 && data <= MAX_BODY,
                            "next_packet_size",
                            data,
                            "1.." + MAX_BODY);
            }
        }
    }

    private static void require(String channel, long at, boolean holds, String what, int came, String expected) {
        if (!holds) {
            throw new CorruptStreamException(
                    channel, at, "multifd %s %d (0x%x), expected %s".formatted(what, came, came, expected));
        }
    }

    /** The block's name. The same object as long as it does not change, so a caller may compare by identity first. */
    public String block(String channel, long at) {
        if (!sameName()) {
            long length = 0;
            while (length < NAME_BYTES && frame.get(ValueLayout.JAVA_BYTE, NAME + length) != 0) {
                length++;
            }
            if (length == 0 || length == NAME_BYTES) {
                throw new CorruptStreamException(channel, at + NAME, "multifd block name is empty or has no end");
            }
            byte[] bytes = frame.asSlice(NAME, length).toArray(ValueLayout.JAVA_BYTE);
            name = new String(bytes, StandardCharsets.ISO_8859_1);
        }
        return name;
    }

    private boolean sameName() {
        int length = name.length();
        for (int i = 0; i < length; i++) {
            if ((frame.get(ValueLayout.JAVA_BYTE, NAME + i) & 0xff) != name.charAt(i)) {
                return false;
            }
        }
        return length > 0 && frame.get(ValueLayout.JAVA_BYTE, NAME + length) == 0;
    }
}
