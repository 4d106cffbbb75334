package org.transhume.channels.qemu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Behind the package of a postcopy: who runs the guest, and how it goes on after a cut (spec: stream.md §8.5, docs/wire.md). */
class ResumedStreamTest {
    private static final UUID ID = new UUID(1, 2);
    private static final List<BlockEntry> BLOCKS = List.of(new BlockEntry("a", 0x2000), new BlockEntry("b", 0x1000));
    private static final HandoverRecord GRANT = new HandoverRecord(HandoverRecord.Code.GRANT, ID);
    private static final HandoverRecord HEARD = new HandoverRecord(HandoverRecord.Code.HEARD, ID);

    private static final String ASK_A = "08 000a 0002 01 61";
    private static final String RESUME = "08 0009 0000";
    private static final String EOS = "0000000000000010 7e 00000002";
    /** 26 bytes: zero page b 0. */
    private static final String PART = "02 00000002 0000000000000002 01 62 00" + EOS;

    private static final String END = "03 00000002" + EOS + "00";
    private static final String GRANT_BYTES = "5452484f 0001 0002 00000010 0000000000000001 0000000000000002";

    /** Keeps commands, zero pages and words. */
    private static final class Hears extends Skips {
        final List<String> heard = new ArrayList<>();

        @Override
        public void command(Command command) {
            heard.add(command.toString());
        }

        @Override
        public void zeroPage(int block, long offset) {
            heard.add("zero %d %x".formatted(block, offset));
        }

        @Override
        public void postcopy(PostcopyPackage whole) {
            heard.add("postcopy");
        }

        @Override
        public void handover(HandoverRecord record) {
            heard.add(record.code().toString());
        }
    }

    private static byte[] started(boolean handover, Wired.MainWriting more) throws IOException {
        return Wired.mainWritten(2, out -> {
            out.header(new StreamHeader(
                    "m",
                    handover ? List.of("x-handover") : List.of(),
                    null,
                    new LinkedHashMap<>(handover ? Map.of("x-handover", 1L) : Map.of())));
            out.command(new Command.OpenReturnPath());
            out.command(new Command.PostcopyAdvise(4096));
            out.section(SectionKind.START);
            out.blocks(BLOCKS, false);
            out.zeroPage(0, 0);
            out.endOfSection();
            more.to(out);
        });
    }

    private static final Wired.MainWriting PACKAGED = out -> {
        out.discard(0, new long[] {0x1000, 0x1000}, 1);
        out.packaged(DeviceTail.EMPTY, 3);
        out.run();
    };

    /** A parser of a stream that was cut behind these bytes. */
    private static MainStreamParser cut(byte[] stream, Hears hears) {
        StreamReader in = new StreamReader(new BytesConnection(stream, 1 << 20, false), "main");
        MainStreamParser parser = new MainStreamParser(in, hears, 1 << 20);
        CorruptStreamException end = assertThrows(CorruptStreamException.class, parser::parse);
        assertEquals(stream.length, end.offset(), end.getMessage());
        hears.heard.clear();
        return parser;
    }

    private static void resume(MainStreamParser parser, byte[] stream, int most) throws IOException {
        try (StreamReader in = new StreamReader(new BytesConnection(stream, most, false), "resumed")) {
            parser.resumed(in).parse();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 5, 1000})
    void itGoesOnWithTheBlocksOfTheFirstConnection(int most) throws Exception {
        Hears hears = new Hears();
        MainStreamParser parser = cut(started(false, PACKAGED), hears);

        resume(
                parser,
                Wired.bytes(
                        ASK_A,
                        "08 000a 0002 01 62",
                        "08 0002 0004 00000009",
                        RESUME,
                        PART,
                        "08 0002 0004 0000000a",
                        END),
                most);

        assertEquals(
                List.of(
                        "RecvBitmap[block=a]",
                        "RecvBitmap[block=b]",
                        "Ping[value=9]",
                        "PostcopyResume[]",
                        "zero 1 0",
                        "Ping[value=10]"),
                hears.heard);
    }

    @Test
    void itCanBeCutAgain() throws Exception {
        Hears hears = new Hears();
        MainStreamParser parser = cut(started(false, PACKAGED), hears);
        for (String attempt : List.of("", ASK_A, ASK_A + RESUME, ASK_A + RESUME + PART, ASK_A + RESUME + "02 00")) {
            byte[] bytes = Wired.bytes(attempt);
            StreamReader in = new StreamReader(new BytesConnection(bytes, 1000, false), "resumed");
            parser = parser.resumed(in);
            CorruptStreamException end = assertThrows(CorruptStreamException.class, parser::parse);
            assertEquals(bytes.length, end.offset(), end.getMessage());
        }
        hears.heard.clear();

        resume(parser, Wired.bytes(RESUME, PART, END), 1000);

        assertEquals(List.of("PostcopyResume[]", "zero 1 0"), hears.heard);
    }

    @Test
    void thereIsNothingToGoOnWithBeforeThePackage() throws Exception {
        MainStreamParser parser = cut(started(false, out -> {}), new Hears());

        try (StreamReader in = new StreamReader(new BytesConnection(), "resumed")) {
            assertThrows(IllegalStateException.class, () -> parser.resumed(in));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "pages,                   0, record type 0x2, 02 00000002",
        "the end of RAM,          0, record type 0x3, 03 00000002",
        "the end,                 0, record type 0x0, 00",
        "a header,                0, record type 0x51, 5145564d 00000003",
        "a grant,                 0, record type 0x54, 5452484f 0001 0002",
        "a return path,           0, command 1 with 0 bytes, 08 0001 0000",
        "an advice,               0, command 3 with 16 bytes, 08 0003 0010",
        "a package,               0, command 7 with 4 bytes, 08 0007 0004 00000010",
        "a stranger's bitmap,     0, 'c', 08 000a 0002 01 63",
        "a long bitmap command,   0, with 3 bytes, 08 000a 0003 01 61 61",
        "a short bitmap command,  0, with 0 bytes, 08 000a 0000 01 61",
        "a long resume,           0, with 4 bytes, 08 0009 0004 00000001",
        "a short ping,            0, with 2 bytes, 08 0002 0002 00000001",
    })
    void nothingButQuestionsStandsBeforeTheResume(String what, long offset, String message, String hex)
            throws Exception {
        refused(what, offset, message, hex);
    }

    @ParameterizedTest
    @CsvSource({
        "a bitmap,                5, 'RECV_BITMAP) with 2 bytes behind POSTCOPY_RESUME', 08 000a 0002 01 61",
        "a second resume,         5, 'POSTCOPY_RESUME) with 0 bytes behind', 08 0009 0000",
        "a return path,           5, command 1, 08 0001 0000",
        "a switchover,            5, command 11, 08 000b 0000",
        "a package,               5, command 7, 08 0007 0004 00000010",
        "a discard,               5, command 6, 08 0006 0014",
        "a start of RAM,          5, a second start, 01 00000002 03 72616d 00000000 00000004",
        "a part of another,       5, section id 3, 02 00000003",
        "a nameless page,         10, no block was named, 02 00000002 0000000000000022 00",
        "a list of blocks,        10, flags 0x4, 02 00000002 0000000000003004",
        "a delta,                 10, flags 0x40, 02 00000002 0000000000000040 01 61",
        "devices,                 5, record type 0x4 in postcopy, 04 00000003",
        "the end without RAM's,   5, record type 0x0 in postcopy, 00",
        "a grant,                 5, only in postcopy with x-handover, 5452484f 0001 0002",
        "devices behind RAM,      23, record type 0x4 behind the last, 03 00000002 0000000000000010 7e 00000002 04",
    })
    void nothingButPagesStandsBehindTheResume(String what, long offset, String message, String hex) throws Exception {
        refused(what, offset, message, RESUME + hex);
    }

    private static void refused(String what, long offset, String message, String hex) throws IOException {
        MainStreamParser parser = cut(started(false, PACKAGED), new Hears());
        byte[] stream = Wired.bytes(hex);
        byte[] longer = Arrays.copyOf(stream, stream.length + 600);

        CorruptStreamException refusal =
                assertThrows(CorruptStreamException.class, () -> resume(parser, longer, 1000), what);

        assertEquals(offset, refusal.offset(), refusal.getMessage());
        assertTrue(refusal.getMessage().contains(message), refusal.getMessage());
    }

    @Test
    void aWriterOfTheNewConnectionNamesTheBlockAgain() throws Exception {
        BytesConnection connection = new BytesConnection();
        byte[] _ = Wired.mainWritten(2, before -> {
            before.blocks(BLOCKS, false);
            before.zeroPage(1, 0);
            try (MainStreamWriter out = before.onto(new StreamWriter(connection))) {
                out.command(new Command.RecvBitmap("a"));
                out.command(new Command.PostcopyResume());
                out.section(SectionKind.PART);
                out.zeroPage(1, 0);
                out.endOfSection();
                out.section(SectionKind.END);
                out.endOfSection();
                out.end(DeviceTail.EMPTY);
                out.flush();
            }
        });

        assertEquals(Wired.spec(ASK_A, RESUME, PART, END), Wired.hex(connection.written()));
    }

    // The hand-over.

    private static List<String> heard(byte[] stream) throws IOException {
        Hears hears = new Hears();
        try (StreamReader in = new StreamReader(new BytesConnection(stream, 7, true), "main")) {
            new MainStreamParser(in, hears, 1 << 20).parse();
        }
        return hears.heard.subList(hears.heard.indexOf("postcopy"), hears.heard.size());
    }

    @Test
    void theGuestIsGrantedBetweenTwoRecordsOfPostcopy() throws Exception {
        byte[] stream = started(true, out -> {
            PACKAGED.to(out);
            out.handover(GRANT);
            out.command(new Command.Ping(4));
            out.section(SectionKind.PART);
            out.zeroPage(0, 0x1000);
            out.endOfSection();
            out.handover(HEARD);
            out.section(SectionKind.END);
            out.endOfSection();
            out.end(DeviceTail.EMPTY);
        });

        assertEquals(List.of("postcopy", "GRANT", "Ping[value=4]", "zero 0 1000", "HEARD"), heard(stream));
    }

    @Test
    void allPagesMayHaveComeBeforeTheGuestIsGranted() throws Exception {
        byte[] stream = started(true, out -> {
            PACKAGED.to(out);
            out.section(SectionKind.END);
            out.zeroPage(0, 0x1000);
            out.endOfSection();
            out.handover(GRANT);
            out.handover(HEARD);
            out.end(DeviceTail.EMPTY);
        });

        assertEquals(List.of("postcopy", "zero 0 1000", "GRANT", "HEARD"), heard(stream));
    }

    @ParameterizedTest
    @CsvSource({
        "true, true, GRANT GRANT",
        "true, true, HEARD",
        "true, true, GRANT HEARD HEARD",
        "true, true, GRANT HEARD GRANT",
        "true, true, READY",
        "true, true, ASK",
        "true, true, GRANT RUNS",
        "false, true, GRANT",
        "true, false, GRANT"
    })
    void noOtherWordIsTaken(boolean announced, boolean packaged, String words) throws Exception {
        List<String> codes = List.of(words.split(" ", -1));
        byte[] stream = started(announced, out -> {
            if (packaged) {
                PACKAGED.to(out);
            }
            for (String code : codes) {
                out.handover(new HandoverRecord(HandoverRecord.Code.valueOf(code), ID));
            }
            out.section(SectionKind.END);
        });

        CorruptStreamException refusal = assertThrows(CorruptStreamException.class, () -> heard(stream));

        assertEquals(stream.length - 5 - HandoverRecord.BYTES, refusal.offset(), refusal.getMessage());
    }

    @Test
    void aGuestIsNotGrantedAfterACut() throws Exception {
        MainStreamParser parser = cut(started(true, PACKAGED), new Hears());
        byte[] stream = Wired.bytes(RESUME, GRANT_BYTES, END);

        CorruptStreamException refusal = assertThrows(CorruptStreamException.class, () -> resume(parser, stream, 1000));

        assertEquals(5, refusal.offset(), refusal.getMessage());
    }

    @Test
    void thatTheSourceHeardMayAlsoBeSaidAfterACut() throws Exception {
        Hears hears = new Hears();
        MainStreamParser parser = cut(
                started(true, out -> {
                    PACKAGED.to(out);
                    out.handover(GRANT);
                }),
                hears);

        resume(parser, Wired.bytes(RESUME, GRANT_BYTES.replace("0001 0002", "0001 0003"), END), 1000);

        assertEquals(List.of("PostcopyResume[]", "HEARD"), hears.heard);
    }
}
