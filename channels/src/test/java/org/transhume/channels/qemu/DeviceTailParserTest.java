package org.transhume.channels.qemu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class DeviceTailParserTest {
    private static final String FOOTER = "7e 00000007";
    private static final String END = "00 06 00000002 7b7d";

    // A real one: 31 devices of a QEMU 10.0.2, split beforehand as their JSON description says.

    private static byte[] resource(String name) {
        try (InputStream in = DeviceTailParserTest.class.getResourceAsStream("/qemu/" + name)) {
            return name.endsWith(".gz") ? new GZIPInputStream(in).readAllBytes() : in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static final byte[] REAL = resource("devices-10.0.2.bin.gz");

    private static final List<DeviceSection> REAL_SECTIONS = new String(
                    resource("devices-10.0.2.tsv"), StandardCharsets.US_ASCII)
            .lines()
            .map(line -> line.split("\t", -1))
            .map(f -> new DeviceSection(
                    Integer.parseInt(f[0]),
                    f[1],
                    Integer.parseInt(f[2]),
                    Integer.parseInt(f[3]),
                    Integer.parseInt(f[4]),
                    Integer.parseInt(f[5])))
            .toList();

    @Test
    void aRealTailIsSplitAsItsDescriptionSays() {
        DeviceTailParser parser = parser(REAL);

        assertTrue(parser.advance(false));
        assertEquals(REAL_SECTIONS, parser.sections());
        assertArrayEquals(REAL, parser.tail().toBytes());
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 5, 4093})
    void aRealTailIsCompleteAtItsLastByteAndNotBefore(int step) {
        DeviceTailParser parser = new DeviceTailParser("main", 0);
        for (int at = 0; at < REAL.length; at += step) {
            assertFalse(parser.advance(false), "complete at %d of %d".formatted(at, REAL.length));
            byte[] piece = Arrays.copyOfRange(REAL, at, Math.min(at + step, REAL.length));
            parser.append(piece, piece.length);
        }

        assertTrue(parser.advance(false));
        assertEquals(REAL_SECTIONS, parser.sections());
        assertArrayEquals(REAL, parser.tail().toBytes());
    }

    @Test
    void aRealTailSurvivesAndKnowsItsIds() {
        DeviceTail tail = DeviceTail.parse(REAL);

        assertEquals(tail, DeviceTail.parse(tail.toBytes()));
        assertEquals(REAL_SECTIONS.size(), tail.sectionIds().size());
        assertTrue(tail.sectionIds().containsAll(Set.of(0, 3, 4)));
    }

    @Test
    void aDescriptionMayBeMissingWhereTheStreamEnds() {
        byte[] sections = DeviceTail.parse(REAL).sections();
        DeviceTailParser parser = parser(Arrays.copyOf(REAL, sections.length + 1));

        assertFalse(parser.advance(false));
        assertTrue(parser.mayEndHere());
        assertTrue(parser.advance(true));
        assertNull(parser.tail().description());
        assertArrayEquals(sections, parser.tail().sections());
        assertEquals(REAL_SECTIONS, parser.sections());
    }

    // Made by hand.

    /** A device of one section, id 7. */
    private static String device(String payload) {
        return "04 00000007 03 646576 00000000 00000001 " + payload + FOOTER;
    }

    static Stream<Arguments> lookAlikes() {
        return Stream.of(
                Arguments.of("nothing at all", ""),
                Arguments.of("a footer alone", FOOTER + "ff"),
                Arguments.of("a footer of another", "7e 00000008 00"),
                Arguments.of("a footer twice", FOOTER + FOOTER),
                Arguments.of("half a footer before the real one", "7e 000000"),
                Arguments.of("7e before the real one", "7e 7e 7e"),
                Arguments.of("a footer and the end, no description", FOOTER + "00 05"),
                Arguments.of("a footer and the end, no JSON", FOOTER + "00 06 00000002 5b5d"),
                Arguments.of("a footer and a section without a name", FOOTER + "04 00000008 00 616263"),
                Arguments.of("a footer and a section with a binary name", FOOTER + "04 00000008 03 610062"),
                Arguments.of("a footer and a section with a name above ASCII", FOOTER + "01 00000008 02 61ff"),
                Arguments.of("a footer and a part of a section never started", FOOTER + "02 00000009"),
                Arguments.of("a footer and a part of a section that is whole", FOOTER + "02 00000007"),
                Arguments.of("a footer and an end of a section never started", FOOTER + "03 00000009"),
                Arguments.of("a footer and a record that devices do not have", FOOTER + "08 0001 0000"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("lookAlikes")
    void aPayloadMayHold(String what, String payload) {
        byte[] bytes = Wired.bytes(device(payload), "04 00000009 01 65 00000001 00000002 7e 00000009", END);
        int first = Wired.bytes(device(payload)).length;
        List<DeviceSection> expected =
                List.of(new DeviceSection(7, "dev", 0, 1, 0, first), new DeviceSection(9, "e", 1, 2, first, 20));

        assertEquals(expected, fedAtOnce(bytes).sections(), what);
        assertEquals(expected, fedByteByByte(bytes).sections(), what);
        assertArrayEquals(bytes, fedByteByByte(bytes).tail().toBytes(), what);
    }

    @Test
    void aSectionThatWasStartedMayGoOnAtOnceOrLater() {
        byte[] bytes = Wired.bytes(
                "01 00000007 03 646576 00000000 00000001 aa",
                FOOTER,
                "02 00000007 bb",
                FOOTER,
                "04 00000009 01 65 00000001 00000002 7e 00000009",
                "03 00000007 cc",
                FOOTER,
                END);

        for (DeviceTailParser parser : List.of(fedAtOnce(bytes), fedByteByByte(bytes))) {
            assertEquals(
                    List.of(new DeviceSection(7, "dev", 0, 1, 0, 23), new DeviceSection(9, "e", 1, 2, 34, 20)),
                    parser.sections());
            assertArrayEquals(bytes, parser.tail().toBytes());
        }
    }

    static IntStream seeds() {
        return IntStream.range(0, 200);
    }

    @ParameterizedTest
    @MethodSource("seeds")
    void piecesOfAnySizeLeadToTheSameSectionsAsTheWhole(int seed) {
        Random random = new Random(seed);
        byte[] bytes = hostile(random);

        DeviceTailParser whole = fedAtOnce(bytes);
        DeviceTailParser pieces = new DeviceTailParser("main", 0);
        for (int at = 0; at < bytes.length; ) {
            assertFalse(pieces.advance(false), "seed %d, complete at %d".formatted(seed, at));
            int count = Math.min(1 + random.nextInt(9), bytes.length - at);
            pieces.append(Arrays.copyOfRange(bytes, at, at + count), count);
            at += count;
        }

        assertTrue(pieces.advance(false), "seed " + seed);
        assertEquals(whole.sections(), pieces.sections(), "seed " + seed);
        assertEquals(5, whole.sections().size(), "seed " + seed);
        assertEquals(whole.tail(), pieces.tail(), "seed " + seed);
    }

    /** Devices whose state is made of the bytes that footers are made of. */
    private static byte[] hostile(Random random) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        byte[] few = {0x7e, 0, 0, 0, 7, 7};
        for (int i = 0; i < 5; i++) {
            byte[] payload = new byte[random.nextInt(60)];
            for (int j = 0; j < payload.length; j++) {
                payload[j] = few[random.nextInt(few.length)];
            }
            out.writeBytes(Wired.bytes("04 00000007 01 6%x 00000000 00000001".formatted(1 + i)));
            out.writeBytes(payload);
            out.writeBytes(Wired.bytes("7f", FOOTER)); // 7f: else the payload's end could be half a footer
        }
        out.writeBytes(Wired.bytes(END));
        return out.toByteArray();
    }

    static Stream<Arguments> malformed() {
        int device = 22;
        return Stream.of(
                Arguments.of("subsection", 0, "section type 0x5", "05 00"),
                Arguments.of("description first", 0, "section type 0x6", "06 00000002 7b7d"),
                Arguments.of("footer first", 0, "section type 0x7e", FOOTER),
                Arguments.of("command", 0, "section type 0x8", "08 0001 0000"),
                Arguments.of("part of nothing", 0, "section 9, which was never started", "02 00000009"),
                Arguments.of("end of nothing", 0, "section 9, which was never started", "03 00000009"),
                Arguments.of("no description", 1, "byte 0x7b", "00 7b"),
                Arguments.of("negative description", 2, "description of -1", "00 06 ffffffff"),
                Arguments.of("long description", 2, "description of 67108865", "00 06 04000001"),
                Arguments.of("a long one behind a device", device + 2, "description", device(""), "00 06 7f000000 7b"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("malformedFlat")
    void whateverIsMalformedIsRefusedWithItsOffsetInTheChannel(String what, int offset, String message, byte[] bytes) {
        DeviceTailParser parser = new DeviceTailParser("main", 1000);
        parser.append(bytes, bytes.length);

        CorruptStreamException refusal = assertThrows(CorruptStreamException.class, () -> parser.advance(false), what);

        assertEquals(1000 + offset, refusal.offset(), refusal.getMessage());
        assertTrue(refusal.getMessage().contains(message), refusal.getMessage());
    }

    static Stream<Arguments> malformedFlat() {
        return malformed().map(Arguments::get).map(row -> {
            String[] hex =
                    Arrays.stream(row, 3, row.length).map(String.class::cast).toArray(String[]::new);
            return Arguments.of(row[0], row[1], row[2], Wired.bytes(hex));
        });
    }

    @Test
    void aCutAnywhereButBehindTheEndIsRefusedAtTheCut() {
        byte[] whole = Wired.bytes(device("7e 00"), device("00000000"), END);
        int behindTheEnd = whole.length - 7;
        for (int cut = 0; cut < whole.length; cut++) {
            DeviceTailParser parser = parser(Arrays.copyOf(whole, cut));
            if (cut == behindTheEnd) {
                assertTrue(parser.advance(true));
                continue;
            }
            CorruptStreamException refusal =
                    assertThrows(CorruptStreamException.class, () -> parser.advance(true), "cut at " + cut);
            assertEquals(cut, refusal.offset(), refusal.getMessage());
        }
    }

    @Test
    void moreThanAnyDevicesNeedIsRefusedBeforeItTakesRoom() {
        DeviceTailParser parser = new DeviceTailParser("main", 0);

        assertThrows(CorruptStreamException.class, () -> parser.append(new byte[1], DeviceTailParser.MAX_BYTES + 1));
    }

    private static DeviceTailParser parser(byte[] bytes) {
        DeviceTailParser parser = new DeviceTailParser("main", 0);
        parser.append(bytes, bytes.length);
        return parser;
    }

    private static DeviceTailParser fedAtOnce(byte[] bytes) {
        DeviceTailParser parser = parser(bytes);
        assertTrue(parser.advance(false));
        return parser;
    }

    private static DeviceTailParser fedByteByByte(byte[] bytes) {
        DeviceTailParser parser = new DeviceTailParser("main", 0);
        for (byte b : bytes) {
            assertFalse(parser.advance(false));
            parser.append(new byte[] {b}, 1);
        }
        assertTrue(parser.advance(false));
        return parser;
    }
}
