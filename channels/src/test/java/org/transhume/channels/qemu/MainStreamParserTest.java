package org.transhume.channels.qemu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class MainStreamParserTest {
    private static final long MAX_RAM = 1 << 20;

    /** 24 bytes. */
    private static final String HEADER = "5145564d 00000003 07 0000000b 70632d7133352d31302e30";
    /** From 24 to 41. */
    private static final String START = "01 00000002 03 72616d 00000000 00000004";
    /** From 41 to 69: block a of two pages and block b of one. */
    private static final String LIST = "0000000000003004 01 61 0000000000002000 01 62 0000000000001000";

    private static final String EOS = "0000000000000010 7e 00000002";
    /** 82 bytes, and RAM known. */
    private static final String STARTED = HEADER + START + LIST + EOS;

    private static final String ADVISE = "08 0003 0010 0000000000001000 0000000000001000";
    /** 103 bytes. */
    private static final String ADVISED = HEADER + ADVISE + START + LIST + EOS;

    private static final String DISCARD = "08 0006 0014 00 01 61 00 0000000000001000 0000000000001000";
    /** 52 bytes: LISTEN, device d with four bytes, PING 3, RUN. */
    private static final String PACKAGE = "08 0007 0004 0000002b 08 0004 0000"
            + "04 00000003 01 64 00000000 00000001 abcdabcd 7e 00000003"
            + "08 0002 0004 00000003 08 0005 0000";

    private static final String PART = "02 00000002";
    private static final String CAPABILITIES = "05 1a 636f6e66696775726174696f6e2f6361706162696c6974696573 00000001";
    private static final String HOLE_RUNS = "0b 782d686f6c652d72756e73";
    private static final String RAM_DIGEST = "0c 782d72616d2d646967657374";
    private static final String OURS = "05 17 636f6e66696775726174696f6e2f7472616e7368756d65 00000001";

    @ParameterizedTest
    @ValueSource(ints = {1, 7, 1 << 20})
    void aGuestThatStartsBeforeItsPagesCameIsReadInTheOrderOfItsStream(int most) throws Exception {
        List<String> heard = new ArrayList<>();

        parse(new BytesConnection(postcopy(), most, true), heard);

        assertEquals(
                List.of(
                        "header pc-q35-10.0 [] {}",
                        "OpenReturnPath[]",
                        "PostcopyAdvise[hostPages=4096]",
                        "START",
                        "[BlockEntry[name=a, length=8192, gpa=0], BlockEntry[name=b, length=4096, gpa=0]]",
                        "end of START",
                        "discard 0 1000 1000",
                        "postcopy [d] [3] of 43",
                        "Ping[value=4]",
                        "PART",
                        "zero 0 1000",
                        "end of PART",
                        "END",
                        "end of END"),
                heard);
    }

    @Test
    void anEndAnywhereBeforeTheLastPageOfPostcopyIsSaid() {
        byte[] stream = postcopy();
        for (int length = 0; length < stream.length; length++) {
            BytesConnection cut = new BytesConnection(Arrays.copyOf(stream, length), 5, false);

            CorruptStreamException e =
                    assertThrows(CorruptStreamException.class, () -> parse(cut, new ArrayList<>()), "cut at " + length);
            assertTrue(e.getMessage().startsWith("main, offset "), e.getMessage());
        }
    }

    private static byte[] postcopy() {
        return Wired.bytes(
                HEADER,
                "08 0001 0000",
                ADVISE,
                START,
                LIST,
                EOS,
                DISCARD,
                PACKAGE,
                "08 0002 0004 00000004",
                PART,
                "0000000000001002 01 61 00",
                EOS,
                "03 00000002",
                EOS,
                "00");
    }

    /** What was discarded is exactly what comes afterwards, each page once. */
    @Test
    void thePostcopyOfARealQemuIsReadToItsEnd() throws Exception {
        byte[] stream;
        try (InputStream in =
                new GZIPInputStream(MainStreamParserTest.class.getResourceAsStream("/qemu/postcopy-10.0.2.bin.gz"))) {
            stream = in.readAllBytes();
        }
        List<String> heard = new ArrayList<>();
        try (StreamReader in = new StreamReader(new BytesConnection(stream, 1 << 16, true), "main")) {
            MainStreamParser parser = new MainStreamParser(in, new Hears(heard), 1L << 30);
            parser.parse();
            assertEquals(stream.length, parser.end());
            assertEquals(0, parser.surplus());
        }

        int started = IntStream.range(0, heard.size())
                .filter(i -> heard.get(i).startsWith("postcopy "))
                .findFirst()
                .orElseThrow();
        assertEquals(33977, Integer.parseInt(heard.get(started).replaceFirst(".* of ", "")));
        assertTrue(heard.get(started).contains(" [3] of "), heard.get(started));
        Set<String> discarded = new TreeSet<>();
        heard.subList(0, started).stream()
                .filter(line -> line.startsWith("discard "))
                .map(line -> line.split(" ", -1))
                .forEach(words -> {
                    long from = Long.parseLong(words[2], 16);
                    for (long at = from; at < from + Long.parseLong(words[3], 16); at += Wire.PAGE_BYTES) {
                        assertTrue(discarded.add("%s %x".formatted(words[1], at)));
                    }
                });
        Set<String> came = new TreeSet<>();
        heard.subList(started, heard.size()).stream()
                .filter(line -> line.startsWith("page ") || line.startsWith("zero "))
                .map(line -> line.split(" ", -1))
                .forEach(words -> assertTrue(came.add(words[1] + " " + words[2]), () -> words[2] + " came twice"));
        assertEquals(discarded, came);
        assertTrue(came.size() > 100, () -> came.size() + " pages");
    }

    // What the parser tells, round by round, and byte for byte.

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 17, 4096, 1 << 20})
    void whatWasWrittenIsReadHoweverItArrives(int most) throws Exception {
        byte[] stream = everything();
        List<String> heard = new ArrayList<>();

        parse(new BytesConnection(stream, most, true), heard);

        assertEquals(
                List.of(
                        "header pc-q35-10.0 [x-ignore-shared, x-hole-runs, x-ram-digest] {x-hole-runs=1, x-ram-digest=1}",
                        "OpenReturnPath[]",
                        "Ping[value=-2]",
                        "START",
                        "[BlockEntry[name=a, length=8192, gpa=4096], BlockEntry[name=b, length=4096, gpa=0]]",
                        "flush",
                        "end of START",
                        "PART",
                        "page 0 1000 abababab",
                        "zero 0 0",
                        "hole 1 0 1000",
                        "end of PART",
                        "PART",
                        "zero 1 0",
                        "delta 1 0 0001ab",
                        "page 0 1000 abababab",
                        "compressed 0 0 ababab",
                        "end of PART",
                        "SwitchoverStart[]",
                        "END",
                        "page 0 0 00000000",
                        "flush",
                        "digest 0 0 [-2, 3]",
                        "end of digest",
                        "end of END",
                        "DeviceTail[22 bytes, description 2 bytes] [a/x]"),
                heard);
    }

    private static byte[] everything() throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment ram = arena.allocate(0x2000);
            ram.asSlice(0x1000).fill((byte) 0xab);
            return Wired.mainWritten(9, out -> {
                out.header(new StreamHeader(
                        "pc-q35-10.0",
                        List.of("x-ignore-shared", "x-hole-runs", "x-ram-digest"),
                        null,
                        new LinkedHashMap<>(new TreeMap<>(Map.of("x-hole-runs", 1L, "x-ram-digest", 1L)))));
                out.command(new Command.OpenReturnPath());
                out.command(new Command.Ping(-2));
                out.section(SectionKind.START);
                out.blocks(List.of(new BlockEntry("a", 0x2000, 0x1000), new BlockEntry("b", 0x1000)), true);
                out.multifdFlush();
                out.endOfSection();
                out.section(SectionKind.PART);
                out.page(0, 0x1000, ram);
                out.zeroPage(0, 0);
                out.holeRun(1, 0, 0x1000);
                out.endOfSection();
                out.section(SectionKind.PART);
                out.zeroPage(1, 0);
                out.deltaPage(1, 0, MemorySegment.ofArray(Wired.bytes("ff 0001ab")), 1, 3);
                out.pageCopy(0, 0x1000, ram, 0x1000);
                out.compressedPage(0, 0, ram, 0x1000, 3);
                out.endOfSection();
                out.command(new Command.SwitchoverStart());
                out.section(SectionKind.END);
                out.page(0, 0, ram);
                out.multifdFlush();
                out.digest(0, 0, new long[] {-2, 3, 4}, 1);
                out.endOfDigest();
                out.endOfSection();
                DeviceTail tail = new DeviceTail(
                        Wired.bytes("04 00000001 03 612f78 00000000 00000001", "7e 00000001"), Wired.bytes("7b7d"));
                out.devices(new DeviceTail(tail.sections(), null));
                out.end(tail);
            });
        }
    }

    @Test
    void aCutAtEveryByteIsToldWithTheOffsetOfTheCut() throws Exception {
        byte[] whole = everything();
        int behindTheEnd = whole.length - 2 - 4 - 1;
        for (int cut = 0; cut < whole.length; cut++) {
            byte[] rest = Arrays.copyOf(whole, cut);
            if (cut == behindTheEnd) {
                parse(new BytesConnection(rest, 1 << 20, false), new ArrayList<>()); // QEMU takes that, too
                continue;
            }
            CorruptStreamException refusal = assertThrows(
                    CorruptStreamException.class,
                    () -> parse(new BytesConnection(rest, 1 << 20, false), new ArrayList<>()),
                    "cut at " + cut);
            assertEquals(cut, refusal.offset(), refusal.getMessage());
        }
    }

    @Test
    void anOpenStreamWithoutADescriptionEndsWhereItsPeerFallsSilent() throws Exception {
        byte[] whole = everything();
        List<String> heard = new ArrayList<>();

        parse(new BytesConnection(Arrays.copyOf(whole, whole.length - 7), 1 << 20, true), heard);

        assertEquals("DeviceTail[22 bytes, description none] [a/x]", heard.getLast());
    }

    @Test
    void aBackgroundSnapshotHasNoEndOfRam() throws Exception {
        List<String> heard = new ArrayList<>();

        parse(new BytesConnection(Wired.bytes(STARTED, "00"), 5, false), heard);

        assertEquals("DeviceTail[0 bytes, description none] []", heard.getLast());
    }

    static Stream<Arguments> malformed() {
        return Stream.of(
                // §1.1
                bad("magic", 0, "magic 0x5145564e", "5145564e 00000003 07 00000001 6d"),
                bad("version 2", 4, "version 0x2", "5145564d 00000002 07 00000001 6d"),
                bad("version 4", 4, "version 0x4", "5145564d 00000004 07 00000001 6d"),
                bad("no configuration", 8, "configuration section is missing", "5145564d 00000003 01 00000001 6d"),
                bad("no machine", 9, "machine name of 0 bytes", "5145564d 00000003 07 00000000 01"),
                bad("long machine", 9, "machine name of 256 bytes", "5145564d 00000003 07 00000100 6d"),
                bad("negative machine", 9, "machine name of -1 bytes", "5145564d 00000003 07 ffffffff 6d"),
                bad("unknown subsection", 24, "subsection 'xy'", HEADER, "05 02 7879 00000001"),
                bad(
                        "subsection version",
                        52,
                        "version of configuration/capabilities 0x2",
                        HEADER,
                        CAPABILITIES.replaceFirst("1$", "2"),
                        "00000000"),
                bad("many capabilities", 56, "65 capabilities", HEADER, CAPABILITIES, "00000041"),
                bad("negative capabilities", 56, "-1 capabilities", HEADER, CAPABILITIES, "ffffffff"),
                bad(
                        "page bits",
                        60,
                        "0xd",
                        HEADER,
                        "05 1e 636f6e66696775726174696f6e2f7461726765742d706167652d62697473 00000001 0000000d"),
                bad(
                        "extension without capability",
                        24,
                        "'x-hole-runs' has a value",
                        HEADER,
                        OURS,
                        "5452484d 0001 00000016 0001",
                        HOLE_RUNS,
                        "0000000000000001",
                        START),
                bad("extension magic", 53, "not an extension list", HEADER, OURS, "5452484e 0001 00000002 0000"),
                bad("extension version", 57, "0x2", HEADER, OURS, "5452484d 0002 00000002 0000"),
                bad("extension length", 59, "says 3 bytes", HEADER, OURS, "5452484d 0001 00000003 0000"),
                bad("many extensions", 63, "65 extensions", HEADER, OURS, "5452484d 0001 00000003 0041"),
                // §1.2
                bad("end before RAM", 24, "before any RAM", HEADER, "00"),
                bad("device before RAM", 24, "before any RAM", HEADER, "04 00000001 01 61"),
                bad("subsection as record", 82, "record type 0x5", STARTED, "05"),
                bad("description as record", 82, "record type 0x6", STARTED, "06"),
                bad("configuration again", 82, "record type 0x7", STARTED, "07"),
                bad("unknown record", 82, "record type 0x9", STARTED, "09"),
                bad("footer without section", 82, "record type 0x7e", STARTED, "7e 00000002"),
                bad("another iterative section", 24, "'ran'", HEADER, START.replace("6d", "6e")),
                bad("second instance", 24, "instance 1", HEADER, "01 00000002 03 72616d 00000001 00000004"),
                bad("version 3 of ram", 24, "version 3", HEADER, "01 00000002 03 72616d 00000000 00000003"),
                bad("version 5 of ram", 24, "version 5", HEADER, "01 00000002 03 72616d 00000000 00000005"),
                bad("second start", 82, "second start", STARTED, START),
                bad("part before start", 24, "start of 'ram' first", HEADER, PART),
                bad("end before start", 24, "start of 'ram' first", HEADER, "03 00000002"),
                bad("part of another", 82, "section id 3, expected 2", STARTED, "02 00000003"),
                bad("end of another", 82, "section id 3, expected 2", STARTED, "03 00000003"),
                bad("no footer", 77, "byte 0x7d", HEADER, START, LIST, "0000000000000010 7d 00000002"),
                bad(
                        "footer of another",
                        77,
                        "footer of section 3",
                        HEADER,
                        START,
                        LIST,
                        "0000000000000010 7e 00000003"),
                // §2.2
                bad("no RAM", 41, "0 bytes of RAM", HEADER, START, "0000000000000004"),
                bad("too much RAM", 41, "1052672 bytes of RAM", HEADER, START, "0000000000101004"),
                bad("negative RAM", 41, "bytes of RAM", HEADER, START, "8000000000000004"),
                bad("empty block", 49, "'a' of 0 bytes", HEADER, START, "0000000000003004 01 61 0000000000000000"),
                bad(
                        "block over the total",
                        49,
                        "'a' of 16384",
                        HEADER,
                        START,
                        "0000000000003004 01 61 0000000000004000"),
                bad("negative block", 49, "'a' of -4096", HEADER, START, "0000000000003004 01 61 fffffffffffff000"),
                bad("part of a page", 49, "'a' of 4097", HEADER, START, "0000000000003004 01 61 0000000000001001"),
                bad("sum over the total", 59, "'b' of 8192", HEADER, START, LIST.replaceFirst("1000$", "2000")),
                bad("block twice", 59, "twice", HEADER, START, LIST.replace("01 62", "01 61")),
                bad("nameless block", 49, "nameless", HEADER, START, "0000000000003004 00 0000000000001000"),
                bad("second list", 87, "second block list", STARTED, PART, LIST),
                bad("pages before the list", 41, "'a', which is not in", HEADER, START, "0000000000000002 01 61 00"),
                // §2.1, §2.3
                bad("page behind the block", 87, "page at 0x2000", STARTED, PART, "0000000000002008 01 61"),
                bad("zero page behind", 87, "page at 0x1000 of block 'b'", STARTED, PART, "0000000000001002 01 62 00"),
                bad("negative offset", 87, "page at 0x8", STARTED, PART, "8000000000000008 01 61"),
                bad("unknown block", 87, "block 'c'", STARTED, PART, "0000000000000008 01 63"),
                bad("continue first", 87, "no block was named", STARTED, PART, "0000000000000022 00"),
                bad("zero page of one", 87, "value 1", STARTED, PART, "0000000000000002 01 61 01"),
                bad("no flags", 87, "flags 0x0", STARTED, PART, "0000000000000000"),
                bad("full", 87, "flags 0x1", STARTED, PART, "0000000000000001"),
                bad("zero and page", 87, "flags 0xa", STARTED, PART, "000000000000000a"),
                bad("hook", 87, "flags 0x80", STARTED, PART, "0000000000000080"),
                bad("unknown flag", 87, "flags 0x1", STARTED, PART, "0000000000000001"),
                bad("xbzrle form", 87, "form 2", STARTED, PART, "0000000000000040 01 61 02 0003"),
                bad("long xbzrle", 87, "4097 bytes", STARTED, PART, "0000000000000040 01 61 01 1001"),
                bad("xbzrle behind", 87, "page at 0x2000", STARTED, PART, "0000000000002040 01 61 01 0003"),
                bad("empty compress", 87, "0 bytes", STARTED, PART, "0000000000000100 01 61 00000000"),
                bad("long compress", 87, "4111 bytes", STARTED, PART, "0000000000000100 01 61 0000100f"),
                bad("negative compress", 87, "-1 bytes", STARTED, PART, "0000000000000100 01 61 ffffffff"),
                bad("two kinds", 87, "flags 0x140", STARTED, PART, "0000000000000140 01 61"),
                bad("list with continue", 87, "flags 0x24", STARTED, PART, "0000000000003024"),
                bad("EOS with continue", 87, "flags 0x30", STARTED, PART, "0000000000000030"),
                bad("flush with continue", 87, "flags 0x220", STARTED, PART, "0000000000000220"),
                bad(
                        "unannounced hole",
                        87,
                        "does not announce",
                        STARTED,
                        PART,
                        "0000000000000400 01 61 0000000000001000"),
                // §7.1
                bad("ping first", 24, "no return path", HEADER, "08 0002 0004 00000001"),
                bad("short ping", 29, "PING with 2 bytes", HEADER, "08 0001 0000 08 0002 0002 0000"),
                bad("long open", 24, "OPEN_RETURN_PATH with 1", HEADER, "08 0001 0001 00"),
                bad("long switchover", 24, "SWITCHOVER_START with 4", HEADER, "08 000b 0004 00000000"),
                bad("colo", 24, "ENABLE_COLO", HEADER, "08 0008 0000"),
                bad("resume", 24, "POSTCOPY_RESUME", HEADER, "08 0009 0000"),
                bad("bitmap", 24, "RECV_BITMAP", HEADER, "08 000a 0007 06 70632e72616d"),
                bad("listen alone", 24, "POSTCOPY_LISTEN, outside", HEADER, "08 0004 0000"),
                bad("run alone", 24, "POSTCOPY_RUN, outside", HEADER, "08 0005 0000"),
                bad("discard unadvised", 82, "POSTCOPY_RAM_DISCARD, expected behind", STARTED, DISCARD),
                bad("package unadvised", 82, "PACKAGED, expected behind", STARTED, PACKAGE),
                bad("late advice", 82, "before RAM", STARTED, ADVISE),
                bad("advised twice", 45, "once", HEADER, ADVISE, ADVISE),
                bad("short advice", 24, "with 4 bytes, expected 0 or 16", HEADER, "08 0003 0004 00000000"),
                bad("other pages", 24, "pages of 8192 bytes", HEADER, "08 0003 0010 0000000000002000 0000000000002000"),
                bad("discard before blocks", 45, "expected behind", HEADER, ADVISE, DISCARD),
                bad(
                        "discard of a stranger",
                        103,
                        "block 'c'",
                        ADVISED,
                        "08 0006 0014 00 01 63 00 0000000000000000 0000000000001000"),
                bad(
                        "discard beyond",
                        103,
                        "discard of 8192 bytes at 0x1000",
                        ADVISED,
                        "08 0006 0014 00 01 61 00 0000000000001000 0000000000002000"),
                bad(
                        "discard wraps",
                        103,
                        "discard of -4096 bytes",
                        ADVISED,
                        "08 0006 0014 00 01 61 00 0000000000001000 fffffffffffff000"),
                bad("half a range", 103, "of 12 bytes", ADVISED, "08 0006 000c 00 01 61 00 0000000000001000"),
                bad("length that lies", 103, "of 2 bytes", ADVISED, "08 0006 0002 00 01 61 00 0000000000001000"),
                bad("huge package", 103, "4294967295 bytes, expected 1..", ADVISED, "08 0007 0004 ffffffff"),
                bad(
                        "package without listen",
                        112,
                        "begin with POSTCOPY_LISTEN",
                        ADVISED,
                        "08 0007 0004 00000005",
                        "08 0005 0000"),
                bad(
                        "package without run",
                        112,
                        "without POSTCOPY_RUN",
                        ADVISED,
                        "08 0007 0004 00000005",
                        "08 0004 0000"),
                bad("second package", 155, "PACKAGED, expected", ADVISED, PACKAGE, PACKAGE),
                bad("package behind RAM", 121, "PACKAGED, expected", ADVISED, "03 00000002", EOS, PACKAGE),
                bad("delta in postcopy", 160, "RAM flags 0x40", ADVISED, PACKAGE, PART, "0000000000000040 01 61"),
                bad(
                        "nameless page in postcopy",
                        160,
                        "no block was named",
                        ADVISED,
                        PACKAGE,
                        PART,
                        "0000000000000022 00"),
                bad("devices in postcopy", 155, "record type 0x4 in postcopy", ADVISED, PACKAGE, "04 00000003"),
                bad("more at the end", 173, "behind the last page", ADVISED, PACKAGE, "03 00000002", EOS, "04"),
                bad("command 0", 24, "command 0", HEADER, "08 0000 0000"),
                bad("command 12", 24, "command 12", HEADER, "08 000c 0000"),
                // §1.4
                bad("record among the devices", 100, "section type 0x9", STARTED, "03 00000002", EOS, "09 000b 0000"),
                bad("command behind RAM", 100, "command 12", STARTED, "03 00000002", EOS, "08 000c 0000"),
                bad("bytes behind the end", 101, "byte 0x1 behind the end", STARTED, "03 00000002", EOS, "00 01"));
    }

    private static Arguments bad(String what, long offset, String message, String... stream) {
        return Arguments.of(what, offset, message, Wired.bytes(stream));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("malformed")
    void whateverIsMalformedIsRefusedInOneLineWithItsOffset(String what, long offset, String message, byte[] stream) {
        // More follows: a refusal must not come from the end of the stream.
        byte[] longer = Arrays.copyOf(stream, stream.length + 600);

        CorruptStreamException refusal = assertThrows(
                CorruptStreamException.class,
                () -> parse(new BytesConnection(longer, 1 << 20, false), new ArrayList<>()));

        assertEquals(offset, refusal.offset(), what + ": " + refusal.getMessage());
        assertTrue(refusal.getMessage().contains(message), refusal.getMessage());
        assertTrue(refusal.getMessage().startsWith("main, offset %d (0x%x): ".formatted(offset, offset)));
        assertEquals(1, refusal.getMessage().lines().count(), refusal.getMessage());
    }

    static Stream<Arguments> malformedHoles() {
        return Stream.of(
                Arguments.of("no length", "0000000000000400 01 61 0000000000000000"),
                Arguments.of("negative", "0000000000000400 01 61 fffffffffffff000"),
                Arguments.of("part of a page", "0000000000000400 01 61 0000000000000fff"),
                Arguments.of("over the end", "0000000000001400 01 61 0000000000002000"),
                Arguments.of("behind the block", "0000000000002400 01 61 0000000000001000"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("malformedHoles")
    void aHoleOutsideItsBlockIsRefused(String what, String record) {
        byte[] header = Wired.bytes(
                HEADER,
                CAPABILITIES,
                "00000001",
                HOLE_RUNS,
                OURS,
                "5452484d 0001 00000016 0001",
                HOLE_RUNS,
                "0000000000000001");
        byte[] stream = Wired.bytes(Wired.hex(header), START, LIST, EOS, PART, record);

        CorruptStreamException refusal = assertThrows(
                CorruptStreamException.class,
                () -> parse(new BytesConnection(stream, 1 << 20, false), new ArrayList<>()),
                what);

        assertEquals(header.length + 58 + 5, refusal.offset(), what + ": " + refusal.getMessage());
    }

    static Stream<Arguments> malformedDigests() {
        String a = "0000000000000800 01 61";
        String sums = "0000000000000001 0000000000000002";
        return Stream.of(
                Arguments.of("of a block that is not listed", "0000000000000800 01 63 0001" + sums, 0),
                Arguments.of("of the block before, which is none", "0000000000000820 0001" + sums, 0),
                Arguments.of("from within a group", "0000000000001800 01 61 0001" + sums, 0),
                Arguments.of("from behind the block", "0000000000200800 01 61 0001" + sums, 0),
                Arguments.of("over the end of the block", a + "0002" + sums + sums, 0),
                Arguments.of("of more groups than a record holds", a + "ffff" + sums, 0),
                Arguments.of("again behind its end", a + "0000" + a + "0000", 12),
                Arguments.of("going on behind its end", a + "0000" + a + "0001" + sums, 12));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("malformedDigests")
    void aDigestThatDoesNotFitTheBlocksIsRefused(String what, String records, int behind) {
        byte[] header = Wired.bytes(
                HEADER,
                CAPABILITIES,
                "00000001",
                RAM_DIGEST,
                OURS,
                "5452484d 0001 00000017 0001",
                RAM_DIGEST,
                "0000000000000001");
        byte[] stream = Wired.bytes(Wired.hex(header), START, LIST, EOS, PART, records);

        CorruptStreamException refusal = assertThrows(
                CorruptStreamException.class,
                () -> parse(new BytesConnection(stream, 1 << 20, false), new ArrayList<>()),
                what);

        assertEquals(header.length + 58 + 5 + behind, refusal.offset(), what + ": " + refusal.getMessage());
    }

    @Test
    void aDigestNobodyAnnouncedIsRefused() {
        byte[] stream = Wired.bytes(HEADER, START, LIST, EOS, PART, "0000000000000800 01 61 0000");

        CorruptStreamException refusal = assertThrows(
                CorruptStreamException.class,
                () -> parse(new BytesConnection(stream, 1 << 20, false), new ArrayList<>()));

        assertTrue(refusal.getMessage().contains("does not announce x-ram-digest"), refusal.getMessage());
    }

    private static void parse(BytesConnection connection, List<String> heard) throws IOException {
        try (StreamReader in = new StreamReader(connection, "main")) {
            new MainStreamParser(in, new Hears(heard), MAX_RAM).parse();
        }
    }

    /** Writes down what it is told. */
    private record Hears(List<String> heard) implements MainStreamVisitor {
        @Override
        public void header(StreamHeader header) {
            heard.add("header %s %s %s".formatted(header.machine(), header.capabilities(), header.extensions()));
        }

        @Override
        public void command(Command command) {
            heard.add(command.toString());
        }

        @Override
        public void section(SectionKind kind) {
            heard.add(kind.toString());
        }

        @Override
        public void blocks(List<BlockEntry> blocks) {
            heard.add(blocks.toString());
        }

        @Override
        public void page(int block, long offset, StreamReader in) throws IOException {
            byte[] page = in.bytes(4096);
            heard.add("page %d %x %s".formatted(block, offset, Wired.hex(Arrays.copyOf(page, 4))));
        }

        @Override
        public void deltaPage(int block, long offset, int length, StreamReader in) throws IOException {
            heard.add("delta %d %x %s".formatted(block, offset, Wired.hex(in.bytes(length))));
        }

        @Override
        public void compressedPage(int block, long offset, int length, StreamReader in) throws IOException {
            heard.add("compressed %d %x %s".formatted(block, offset, Wired.hex(in.bytes(length))));
        }

        @Override
        public void zeroPage(int block, long offset) {
            heard.add("zero %d %x".formatted(block, offset));
        }

        @Override
        public void holeRun(int block, long offset, long length) {
            heard.add("hole %d %x %x".formatted(block, offset, length));
        }

        @Override
        public void digest(int block, long group, long[] sums, int groups) {
            heard.add("digest %d %d %s".formatted(block, group, Arrays.toString(Arrays.copyOf(sums, 2 * groups))));
        }

        @Override
        public void endOfDigest() {
            heard.add("end of digest");
        }

        @Override
        public void multifdFlush() {
            heard.add("flush");
        }

        @Override
        public void endOfSection(SectionKind kind) {
            heard.add("end of " + kind);
        }

        @Override
        public void discard(int block, long offset, long length) {
            heard.add("discard %d %x %x".formatted(block, offset, length));
        }

        @Override
        public void postcopy(PostcopyPackage whole) {
            heard.add("postcopy %s %s of %d"
                    .formatted(
                            whole.sections().stream().map(DeviceSection::name).toList(), whole.pings(), whole.bytes()));
        }

        @Override
        public void handover(HandoverRecord record) {
            heard.add("%s %s".formatted(record.code(), record.id()));
        }

        @Override
        public void devices(DeviceTail tail, List<DeviceSection> sections) {
            heard.add("%s %s"
                    .formatted(tail, sections.stream().map(DeviceSection::name).toList()));
        }
    }
}
