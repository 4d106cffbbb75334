package org.transhume.channels.qemu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What opens a page channel, and the headers of its packets (spec: stream.md §5.1, §5.2, §5.3, §5.7). */
class MultifdTest {
    private static final Set<MultifdMethod> PLAIN = EnumSet.of(MultifdMethod.NONE);
    private static final long AT = 64 + 1344;

    private static byte[] hello(int id) throws IOException {
        return Wired.written(out -> new MultifdHello(id, null).write(out));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 3, 254})
    void aChannelOpensWith64Bytes(int id) throws Exception {
        byte[] hello = hello(id);

        assertEquals(
                Wired.spec("11223344 00000001", "00".repeat(16), "%02x".formatted(id), "00".repeat(39)),
                Wired.hex(hello));
        assertEquals(new MultifdHello(id, null), MultifdHello.parse(MemorySegment.ofArray(hello), 255));
    }

    @ParameterizedTest
    @CsvSource({
        "3, 0x45, magic 0x11223345",
        "7, 2, version 2",
        "24, 4, 'channel id 4, expected 0..3'",
        "24, 0xff, channel id 255",
    })
    void aHelloThatDoesNotFitIsRefused(int at, int value, String message) throws Exception {
        byte[] hello = hello(0);
        hello[at] = (byte) value;

        CorruptStreamException refusal =
                assertThrows(CorruptStreamException.class, () -> MultifdHello.parse(MemorySegment.ofArray(hello), 4));

        assertTrue(refusal.getMessage().contains(message), refusal.getMessage());
        assertEquals(at & ~3, refusal.offset());
    }

    @Test
    void aHelloSaysWhoseChannelItIs() throws Exception {
        UUID uuid = UUID.fromString("00112233-4455-6677-8899-aabbccddeeff");

        byte[] hello = Wired.written(out -> new MultifdHello(7, uuid).write(out));

        assertEquals(
                Wired.spec("11223344 00000001", "00112233 44556677 8899aabb ccddeeff", "07", "00".repeat(39)),
                Wired.hex(hello));
        assertEquals(new MultifdHello(7, uuid), MultifdHello.parse(MemorySegment.ofArray(hello), 8));
    }

    @Test
    void aPacketOfPagesIsLaidOutAsTheSpecificationSays() {
        try (Arena arena = Arena.ofConfined()) {
            MultifdPacket packet = new MultifdPacket(arena);
            packet.pages("pc.ram", 0x1_0000_0007L);
            packet.offset(0, 0x1000);
            packet.offset(1, 0x5000);
            packet.offset(2, 0x2000);
            packet.counts(2, 1);
            packet.data(MultifdMethod.NONE, 8192);

            byte[] frame = packet.frame().toArray(ValueLayout.JAVA_BYTE);

            assertEquals(1344, frame.length);
            assertEquals(
                    Wired.spec(
                            "11223344 00000001 00000000 00000080 00000002 00002000 0000000100000007 00000001",
                            "00".repeat(28),
                            "70632e72616d",
                            "00".repeat(250),
                            "0000000000001000 0000000000005000 0000000000002000"),
                    Wired.hex(Arrays.copyOf(frame, 320 + 24)));
            assertArrayEquals(new byte[1000], Arrays.copyOfRange(frame, 344, 1344));
            packet.check("multifd channel 0", 0, PLAIN);
            assertEquals("pc.ram", packet.block("multifd channel 0", 0));
            assertEquals(2, packet.normalPages());
            assertEquals(1, packet.zeroPages());
            assertEquals(0x2000, packet.offset(2));
        }
    }

    @Test
    void aSyncPacketCarriesNothingOfTheOneBeforeIt() {
        try (Arena arena = Arena.ofConfined()) {
            MultifdPacket packet = new MultifdPacket(arena);
            packet.pages("pc.ram", 1);
            packet.offset(127, -1);
            packet.counts(128, 0);
            packet.data(MultifdMethod.DELTA, 128 * 4096);

            packet.sync(2);

            byte[] frame = packet.frame().toArray(ValueLayout.JAVA_BYTE);
            assertEquals(
                    Wired.spec("11223344 00000001 00000001 00000000 00000000 00000000 0000000000000002"),
                    Wired.hex(Arrays.copyOf(frame, 32)));
            assertArrayEquals(new byte[1312], Arrays.copyOfRange(frame, 32, 1344));
            packet.check("multifd channel 0", 0, PLAIN);
            assertTrue(packet.isSync());
        }
    }

    @Test
    void theNameIsThatOfThePacketWhateverCameBefore() {
        try (Arena arena = Arena.ofConfined()) {
            MultifdPacket packet = new MultifdPacket(arena);
            for (String name : new String[] {"a-long-name", "b", "a", "b", "x".repeat(255)}) {
                packet.pages(name, 0);
                MultifdPacket other = copyOf(packet, arena);

                assertEquals(name, other.block("", 0));
                assertSame(other.block("", 0), other.block("", 0));
            }
            packet.sync(0);
            packet.pages("b", 0);
            assertEquals("b", copyOf(packet, arena).block("", 0));
        }
    }

    private static MultifdPacket copyOf(MultifdPacket packet, Arena arena) {
        MultifdPacket copy = new MultifdPacket(arena);
        copy.frame().copyFrom(packet.frame());
        return copy;
    }

    static Stream<Arguments> malformed() {
        return Stream.of(
                bad("magic", 0, 0x11223345, 0),
                bad("version", 4, 2, 4),
                bad("zlib", 8, 0x02, 8),
                bad("zstd with sync", 8, 0x05, 8),
                bad("device state", 8, 0x40, 8),
                bad("unknown flag", 8, 0x80, 8),
                bad("flag of the sign", 8, 0x80000000, 8),
                bad("alloc", 12, 129, 12),
                bad("negative alloc", 12, -1, 12),
                bad("normal over alloc", 12, 1, 16),
                bad("normal", 16, 129, 16),
                bad("negative normal", 16, -1, 16),
                bad("zero over the rest", 32, 127, 32),
                bad("negative zero", 32, -1, 32),
                bad("less data", 20, 4096, 20),
                bad("more data", 20, 8193, 20),
                bad("negative data", 20, -8192, 20));
    }

    private static Arguments bad(String what, int field, int value, long offset) {
        return Arguments.of(what, field, value, offset);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("malformed")
    void aPacketThatDoesNotFitIsRefusedWithTheOffsetOfTheField(String what, int field, int value, long offset) {
        try (Arena arena = Arena.ofConfined()) {
            MultifdPacket packet = sound(arena);
            packet.frame().set(Wire.BE32, field, value);

            CorruptStreamException refusal = assertThrows(
                    CorruptStreamException.class, () -> packet.check("multifd channel 3", AT, PLAIN), what);

            assertEquals(AT + offset, refusal.offset(), refusal.getMessage());
            assertTrue(refusal.getMessage().startsWith("multifd channel 3, offset"), refusal.getMessage());
        }
    }

    /** What 7.2 sends, and what only looks wrong. */
    @ParameterizedTest
    @CsvSource({
        "sync on a packet with pages, 1, 2, 8192, 1",
        "leftovers without pages, 0, 0, 8192, 0",
        "sync with leftovers, 1, 0, 12345, 0",
        "method on zero pages alone, 2, 0, 0, 3",
    })
    void leftoversOfTheSenderAreNoDamage(String what, int flags, int normal, int data, int zero) {
        try (Arena arena = Arena.ofConfined()) {
            MultifdPacket packet = sound(arena);
            packet.frame().set(Wire.BE32, 8, flags);
            packet.frame().set(Wire.BE32, 20, data);
            packet.counts(normal, zero);

            packet.check("multifd channel 3", AT, PLAIN);

            assertEquals(normal, packet.normalPages(), what);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "zlib, 0x02, 1048576, 1",
        "zstd, 0x04, 1048576, 1",
        "lz4, 0x100, 1048576, 1",
        "deltas, 0x200, 8196, 6",
    })
    void packedDataHasTheLengthsThatItsFormCanHave(String what, String flags, int most, int least) {
        try (Arena arena = Arena.ofConfined()) {
            for (int length : new int[] {least - 1, least, most, most + 1}) {
                MultifdPacket packet = sound(arena);
                packet.frame().set(Wire.BE32, 8, Integer.decode(flags));
                packet.frame().set(Wire.BE32, 20, length);
                Executable check = () -> packet.check("multifd channel 3", AT, EnumSet.allOf(MultifdMethod.class));

                if (length >= least && length <= most) {
                    assertDoesNotThrow(check, what);
                } else {
                    assertEquals(
                            AT + 20,
                            assertThrows(CorruptStreamException.class, check, what)
                                    .offset());
                }
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "0x00, none",
        "0x02, zlib",
        "0x04, zstd",
        "0x08, qpl",
        "0x10, uadk",
        "0x20, qatzip",
        "0x100, x-lz4",
        "0x200, x-multifd-xbzrle",
        "0x06, unknown",
        "0x300, unknown",
    })
    void aFormThatWasNotAgreedOnIsRefusedByName(String flags, String name) {
        try (Arena arena = Arena.ofConfined()) {
            MultifdMethod came = MultifdMethod.of(Integer.decode(flags));
            for (MultifdMethod agreed : MultifdMethod.values()) {
                if (agreed == came) {
                    continue;
                }
                MultifdPacket packet = sound(arena);
                packet.frame().set(Wire.BE32, 8, Integer.decode(flags));

                CorruptStreamException refusal = assertThrows(
                        CorruptStreamException.class, () -> packet.check("multifd channel 3", AT, EnumSet.of(agreed)));

                assertEquals(AT + 8, refusal.offset());
                assertTrue(
                        refusal.getMessage().contains("form %s, expected %s:".formatted(name, agreed)),
                        refusal.getMessage());
            }
        }
    }

    @Test
    void aBlockWithoutANameOrWithoutAnEndOfItIsRefused() {
        try (Arena arena = Arena.ofConfined()) {
            for (int fill : new int[] {0, 'x'}) {
                MultifdPacket packet = sound(arena);
                packet.frame().asSlice(64, 256).fill((byte) fill);

                CorruptStreamException refusal =
                        assertThrows(CorruptStreamException.class, () -> packet.block("multifd channel 3", AT));
                assertEquals(AT + 64, refusal.offset());
            }
        }
    }

    private static MultifdPacket sound(Arena arena) {
        MultifdPacket packet = new MultifdPacket(arena);
        packet.pages("pc.ram", 7);
        packet.counts(2, 1);
        packet.data(MultifdMethod.NONE, 8192);
        return packet;
    }
}
