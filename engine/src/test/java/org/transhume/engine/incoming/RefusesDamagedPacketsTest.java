package org.transhume.engine.incoming;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.ValueLayout;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.transhume.channels.qemu.DeltaLengths;
import org.transhume.engine.NothingLeft;
import org.transhume.engine.Packing;
import org.transhume.engine.Recording;
import org.transhume.memory.PageSize;

/** Packets of packed pages, cut and damaged in every way: one line with channel and offset, or pages of that packet alone. */
class RefusesDamagedPacketsTest {
    private static final long SEED = 20261121;
    private static final int HELLO = 64;
    private static final int HEADER = 1344;
    private static final int FLAGS = 8;
    private static final int NORMAL = 16;
    private static final int SIZE = 20;
    private static final int NUMBER = 24;
    private static final int ZEROES = 32;
    private static final int OFFSETS = 320;
    private static final String PLACE = "multifd channel \\d, offset \\d+ \\(0x[0-9a-f]+\\): .+";
    /** Nothing that a channel is held for: one holds 1.5 MiB and more. */
    private static final long LEAK = 1 << 20;

    private static final Map<Packing, Recording> RECORDINGS = new EnumMap<>(Packing.class);
    private static long before;

    @RegisterExtension
    final NothingLeft nothingLeft = new NothingLeft();

    /**
     * One packet with data.
     *
     * @param at of its header on the channel
     * @param data bytes behind the header
     */
    private record Packet(int channel, int at, int normal, int data) {}

    @BeforeAll
    static void rememberMemory() {
        before = direct();
    }

    @AfterAll
    static void noMemoryIsLeft() {
        RECORDINGS.clear();

        assertTrue(direct() - before < LEAK, "%d bytes, then %d".formatted(before, direct()));
    }

    private static long direct() {
        return ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
                .filter(pool -> pool.getName().equals("direct"))
                .mapToLong(BufferPoolMXBean::getMemoryUsed)
                .sum();
    }

    private static Recording recording(Packing packing) {
        return RECORDINGS.computeIfAbsent(packing, Recording::of);
    }

    @ParameterizedTest
    @EnumSource
    void whatWeSendWeLoad(Packing packing) {
        Recording recording = recording(packing);

        try (Replay replay = Replay.of(recording.streams(), packing.incoming(2), false)) {
            assertEquals("completed", replay.report().outcome(), replay.report().reason());
            assertArrayEquals(recording.ram(), ram(replay));
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"ZLIB_1", "ZSTD_1", "LZ4", "MULTIFD_XBZRLE", "ADAPTIVE"})
    void aCutInAChannelOfOursIsOneLineWithItsOffset(Packing packing) {
        cutAnywhere(recording(packing).streams(), packing.incoming(2), 20, 0);
    }

    @ParameterizedTest
    @ValueSource(strings = {"multifd-zlib-10.0.2", "multifd-zlib-7.2.22", "multifd-zstd-10.0.2", "multifd-zstd-7.2.22"})
    void aCutInAChannelOfQemuIsOneLineWithItsOffset(String fixture) {
        // What QEMU sends last, behind the last sync point, is not waited for.
        cutAnywhere(Captures.streams(fixture), config(fixture), 12, 3 * HEADER);
    }

    private static void cutAnywhere(List<byte[]> whole, IncomingConfig config, int tries, int tail) {
        Random random = new Random(SEED);
        for (int i = 0; i < tries; i++) {
            int channel = 1 + random.nextInt(2);
            int cut = HELLO + random.nextInt(whole.get(channel).length - tail - HELLO);
            boolean between = packetStarts(whole.get(channel)).contains(cut);

            try (Replay replay =
                    Replay.of(with(whole, channel, Arrays.copyOf(whole.get(channel), cut)), config, false)) {
                String reason = refused(replay, "seed %d, channel %d cut at %d".formatted(SEED, channel - 1, cut));
                assertTrue(
                        between
                                ? reason.contains("multifd channel %d was closed".formatted(channel - 1))
                                : reason.startsWith("multifd channel %d, offset %d ".formatted(channel - 1, cut)),
                        reason);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"ZLIB_1", "ZSTD_9", "LZ4", "MULTIFD_XBZRLE", "ADAPTIVE"})
    void aDamagedByteOfOursIsRefusedOrChangesPages(Packing packing) {
        flipAnywhere(recording(packing).streams(), packing.incoming(2), 30);
    }

    @ParameterizedTest
    @ValueSource(strings = {"multifd-zlib-10.0.2", "multifd-zlib-7.2.22", "multifd-zstd-10.0.2", "multifd-zstd-7.2.22"})
    void aDamagedByteOfQemuIsRefusedOrChangesPages(String fixture) {
        flipAnywhere(Captures.streams(fixture), config(fixture), 20);
    }

    private static void flipAnywhere(List<byte[]> whole, IncomingConfig config, int tries) {
        Random random = new Random(SEED);
        List<Packet> packets = packets(whole);
        for (int i = 0; i < tries; i++) {
            Packet packet = packets.get(random.nextInt(packets.size()));
            // Headers are mostly room for offsets: as often in what is used of them as in the data.
            int at = packet.at + (random.nextBoolean() ? random.nextInt(NUMBER) : HEADER + random.nextInt(packet.data));
            byte[] damaged = whole.get(packet.channel).clone();
            damaged[at] ^= (byte) (1 << random.nextInt(8));

            try (Replay replay = Replay.of(with(whole, packet.channel, damaged), config, false)) {
                if (replay.report().outcome().equals("failed")) {
                    refused(replay, "seed %d, channel %d, byte %d".formatted(SEED, packet.channel - 1, at));
                }
            }
        }
    }

    /** A damaged byte can make other pages of the packet it is in. It cannot make any of others. */
    @ParameterizedTest
    @EnumSource(names = {"LZ4", "MULTIFD_XBZRLE", "LZ4_XBZRLE"})
    void damagedDataChangesPagesOfItsPacketAlone(Packing packing) {
        Recording recording = recording(packing);
        Random random = new Random(SEED);
        List<Packet> packets = packets(recording.streams());
        int completed = 0;
        for (int i = 0; i < 30; i++) {
            Packet packet = packets.get(random.nextInt(packets.size()));
            byte[] damaged = recording.streams().get(packet.channel).clone();
            Set<Integer> pages = new HashSet<>();
            for (int p = 0; p < packet.normal; p++) {
                pages.add((int) be64(damaged, packet.at + OFFSETS + 8 * p) / PageSize.BYTES);
            }
            int at = packet.at + HEADER + random.nextInt(packet.data);
            damaged[at] ^= (byte) (1 + random.nextInt(255));

            try (Replay replay =
                    Replay.of(with(recording.streams(), packet.channel, damaged), packing.incoming(2), false)) {
                String where = "seed %d, channel %d, byte %d".formatted(SEED, packet.channel - 1, at);
                if (replay.report().outcome().equals("failed")) {
                    assertNamesPacket(refused(replay, where), number(damaged, packet));
                } else {
                    completed++;
                    Set<Integer> others = differences(recording.ram(), ram(replay));
                    others.removeAll(pages);
                    assertEquals(Set.of(), others, where);
                }
            }
        }
        assertTrue(completed > 0, "no damage went unseen, so nothing is shown of it");
    }

    @ParameterizedTest
    @EnumSource(names = {"ZLIB_1", "ZSTD_1", "LZ4", "MULTIFD_XBZRLE", "ZSTD_XBZRLE"})
    void aPacketWithAWrongNumberInItIsRefused(Packing packing) {
        List<byte[]> whole = recording(packing).streams();
        List<Packet> packets = packets(whole);
        for (Packet packet : List.of(packets.getFirst(), packets.get(packets.size() / 2), packets.getLast())) {
            for (int size : new int[] {
                0,
                1,
                packet.data - 1,
                packet.data + 1,
                packet.data / 2,
                (1 << 20) + 1,
                -1,
                Integer.MIN_VALUE,
                0x7fffffff
            }) {
                refusedWith(packing, packet, SIZE, size);
            }
            for (int normal : new int[] {packet.normal + 1, packet.normal - 1, 129, -1}) {
                refusedWith(packing, packet, NORMAL, normal);
            }
            refusedWith(packing, packet, ZEROES, 129 - packet.normal);
            refusedWith(packing, packet, OFFSETS, 0x7fffffff);
            refusedWith(packing, packet, OFFSETS + 4, 1);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"ZLIB_1", "ZSTD_1", "LZ4", "MULTIFD_XBZRLE"})
    void aPacketInAnotherFormThanItSaysIsRefused(Packing packing) {
        List<byte[]> whole = recording(packing).streams();
        Packet packet = packets(whole).getLast();
        int own = be32(whole.get(packet.channel), packet.at + FLAGS);
        for (int flags :
                new int[] {0x00, 0x02, 0x04, 0x06, 0x08, 0x10, 0x20, 0x40, 0x80, 0x100, 0x200, 0x300, 1 << 31}) {
            if (flags != own) {
                refusedWith(packing, packet, FLAGS, flags);
            }
        }
    }

    private static void refusedWith(Packing packing, Packet packet, int field, int value) {
        List<byte[]> whole = recording(packing).streams();
        byte[] damaged = whole.get(packet.channel).clone();
        ByteBuffer.wrap(damaged).putInt(packet.at + field, value);

        try (Replay replay = Replay.of(with(whole, packet.channel, damaged), packing.incoming(2), false)) {
            String where = "%s, field %d of %s set to %d".formatted(packing, field, packet, value);
            String reason = refused(replay, where);
            assertTrue(reason.matches(PLACE), where + ": " + reason);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 4097, 0xffff, -1, -2, -3})
    void aDeltaWithAWrongLengthIsRefused(int lie) {
        Recording recording = recording(Packing.MULTIFD_XBZRLE);
        for (Packet packet : packets(recording.streams())) {
            byte[] damaged = recording.streams().get(packet.channel).clone();
            if (be32(damaged, packet.at + FLAGS) != 0x200) {
                continue;
            }
            int lengths = packet.at + HEADER;
            int last = lengths + DeltaLengths.BYTES * (packet.normal - 1);
            ByteBuffer bytes = ByteBuffer.wrap(damaged);
            switch (lie) {
                case -1 -> bytes.putShort(last, (short) (bytes.getShort(last) + 1)); // beyond the data
                case -2 -> bytes.putShort(last, (short) (bytes.getShort(last) - 1)); // leftovers
                case -3 -> { // as many bytes, cut elsewhere
                    if (bytes.getShort(lengths) == 4096 || bytes.getShort(last) <= 3 || packet.normal < 2) {
                        continue;
                    }
                    bytes.putShort(lengths, (short) (bytes.getShort(lengths) + 1));
                    bytes.putShort(last, (short) (bytes.getShort(last) - 1));
                }
                default -> bytes.putShort(lengths, (short) lie);
            }

            try (Replay replay = Replay.of(
                    with(recording.streams(), packet.channel, damaged), Packing.MULTIFD_XBZRLE.incoming(2), false)) {
                String reason = refused(replay, packet + " with lie " + lie);
                assertNamesPacket(reason, number(damaged, packet));
                assertTrue(
                        reason.startsWith(
                                "multifd channel %d, offset %d ".formatted(packet.channel - 1, packet.at + HEADER)),
                        reason);
            }
        }
    }

    private static void assertNamesPacket(String reason, long number) {
        assertTrue(reason.contains(": packet %d, ".formatted(number)), () -> "packet %d: %s".formatted(number, reason));
    }

    private static String refused(Replay replay, String where) {
        String reason = replay.report().reason();
        assertEquals("failed", replay.report().outcome(), where);
        assertEquals(1, reason.lines().count(), where);
        assertTrue(
                reason.matches(PLACE)
                        || reason.startsWith("RAM is incomplete: ")
                        || reason.matches("multifd channel \\d was closed after \\d+ sync points, expected one more")
                        || reason.startsWith("a multifd channel sent pages behind the last sync point"),
                where + ": " + reason);
        return reason;
    }

    private static IncomingConfig config(String fixture) {
        return IncomingConfig.DEFAULT.withMethod(Captures.method(fixture));
    }

    private static List<byte[]> with(List<byte[]> streams, int index, byte[] stream) {
        List<byte[]> changed = new ArrayList<>(streams);
        changed.set(index, stream);
        return changed;
    }

    private static byte[] ram(Replay replay) {
        return replay.guest.memory().blocks().getFirst().segment().toArray(ValueLayout.JAVA_BYTE);
    }

    /** Numbers of the pages that differ. */
    private static Set<Integer> differences(byte[] one, byte[] other) {
        Set<Integer> pages = new TreeSet<>();
        for (int at = 0; at < one.length; at += PageSize.BYTES) {
            if (!Arrays.equals(one, at, at + PageSize.BYTES, other, at, at + PageSize.BYTES)) {
                pages.add(at / PageSize.BYTES);
            }
        }
        return pages;
    }

    /** Packets with data, in the order of the connections. */
    private static List<Packet> packets(List<byte[]> streams) {
        List<Packet> packets = new ArrayList<>();
        for (int channel = 1; channel < streams.size(); channel++) {
            byte[] bytes = streams.get(channel);
            for (int at = HELLO; at < bytes.length; ) {
                int normal = be32(bytes, at + NORMAL);
                int data = normal == 0 ? 0 : be32(bytes, at + SIZE);
                if (data > 0) {
                    packets.add(new Packet(channel, at, normal, data));
                }
                at += HEADER + data;
            }
        }
        return packets;
    }

    private static Set<Integer> packetStarts(byte[] bytes) {
        Set<Integer> starts = new HashSet<>();
        for (int at = HELLO; at < bytes.length; ) {
            starts.add(at);
            at += HEADER + (be32(bytes, at + NORMAL) == 0 ? 0 : be32(bytes, at + SIZE));
        }
        return starts;
    }

    private static long number(byte[] bytes, Packet packet) {
        return be64(bytes, packet.at + NUMBER);
    }

    private static int be32(byte[] bytes, int at) {
        return ByteBuffer.wrap(bytes).getInt(at);
    }

    private static long be64(byte[] bytes, int at) {
        return ByteBuffer.wrap(bytes).getLong(at);
    }
}
