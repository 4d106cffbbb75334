package org.transhume.channels.qemu;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.UUID;

/**
 * The 64 bytes that open a multifd channel (spec: stream.md §5.1).
 *
 * @param id 0..254
 * @param uuid of the guest; null if it has none, which is 16 zeroes
 */
public record MultifdHello(int id, UUID uuid) {
    /** The first four bytes of a multifd channel; the main channel begins with {@link #MAIN_MAGIC}. */
    public static final int MAGIC = 0x11223344;

    public static final int MAIN_MAGIC = Wire.MAGIC;

    private static final int VERSION = 1;
    private static final int UUID_AT = 8;
    private static final UUID NONE = new UUID(0, 0);
    private static final int ID_AT = 24;
    private static final int UNUSED = 7 + 32;

    public static final int BYTES = 64;

    /**
     * Checks the {@link #BYTES} that a channel began with.
     *
     * @param channels bounds the id
     */
    public static MultifdHello parse(MemorySegment frame, int channels) {
        require(frame.get(Wire.BE32, 0) == MAGIC, 0, "magic 0x%x".formatted(frame.get(Wire.BE32, 0)), "0x11223344");
        require(frame.get(Wire.BE32, 4) == VERSION, 4, "version " + frame.get(Wire.BE32, 4), "1");
        int id = frame.get(ValueLayout.JAVA_BYTE, ID_AT) & 0xff;
        require(
                id < channels,
                ID_AT,
                "channel id " + id,
                "0..%d: set multifd-channels alike on both sides".formatted(channels - 1));
        UUID uuid = new UUID(frame.get(Wire.BE64, UUID_AT), frame.get(Wire.BE64, UUID_AT + Long.BYTES));
        return new MultifdHello(id, uuid.equals(NONE) ? null : uuid);
    }

    private static void require(boolean holds, int at, String came, String expected) {
        if (!holds) {
            throw new CorruptStreamException("multifd channel", at, "%s, expected %s".formatted(came, expected));
        }
    }

    public void write(StreamWriter out) throws IOException {
        UUID said = uuid == null ? NONE : uuid;
        out.be32(MAGIC).be32(VERSION).be64(said.getMostSignificantBits()).be64(said.getLeastSignificantBits());
        out.u8(id).bytes(new byte[UNUSED]);
        out.flush();
    }
}
