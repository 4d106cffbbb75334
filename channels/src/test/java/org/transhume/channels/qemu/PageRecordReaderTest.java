package org.transhume.channels.qemu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A channel of nothing but pages (spec: stream.md §8.4). */
class PageRecordReaderTest {
    private static final List<BlockEntry> BLOCKS = List.of(new BlockEntry("a", 0x2000), new BlockEntry("b", 0x1000));

    /** Writes down what it is told. */
    private record Hears(List<String> heard) implements PageVisitor {
        @Override
        public void page(int block, long offset, StreamReader in) throws IOException {
            int at = in.take(Wire.PAGE_BYTES);
            byte[] page = in.buffer().asSlice(at, Wire.PAGE_BYTES).toArray(ValueLayout.JAVA_BYTE);
            byte[] first = new byte[Wire.PAGE_BYTES];
            Arrays.fill(first, page[0]);
            assertEquals(Wired.hex(first), Wired.hex(page));
            heard.add("page %d %x %x".formatted(block, offset, page[0]));
        }

        @Override
        public void zeroPage(int block, long offset) {
            heard.add("zero %d %x".formatted(block, offset));
        }
    }

    private static byte[] written(boolean eos) throws IOException {
        BytesConnection connection = new BytesConnection();
        try (Arena arena = Arena.ofConfined();
                PageRecordWriter out = new PageRecordWriter(new StreamWriter(connection), BLOCKS)) {
            MemorySegment ram = arena.allocate(0x2000);
            ram.asSlice(0x1000).fill((byte) 0x3b);
            out.page(0, 0x1000, ram);
            out.zeroPage(0, 0);
            out.pageCopy(1, 0, ram, 0x1000);
            out.page(0, 0, ram);
            if (eos) {
                out.eos();
            }
            assertEquals(4 * 8 + 3 * 2 + 3 * 4096 + 1 + (eos ? 8 : 0), out.offset());
            out.flush();
        }
        return connection.written();
    }

    @Test
    void aPageNamesItsBlockWhereItChangesAndNothingIsAroundIt() throws Exception {
        assertEquals(
                Wired.spec(
                        "0000000000001008 01 61",
                        "3b".repeat(4096),
                        "0000000000000022 00",
                        "0000000000000008 01 62",
                        "3b".repeat(4096),
                        "0000000000000008 01 61",
                        "00".repeat(4096),
                        "0000000000000010"),
                Wired.hex(written(true)));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 7, 4096, 1 << 20})
    void pagesComeUntilTheChannelIsClosed(int most) throws Exception {
        List<String> heard = new ArrayList<>();
        try (StreamReader in = new StreamReader(new BytesConnection(written(false), most, false), "preempt")) {
            new PageRecordReader(in, BLOCKS).read(new Hears(heard));
        }

        assertEquals(List.of("page 0 1000 3b", "zero 0 0", "page 1 0 3b", "page 0 0 0"), heard);
    }

    @Test
    void aLastWordEndsAChannelThatStaysOpen() throws Exception {
        List<String> heard = new ArrayList<>();
        byte[] bytes = written(true);
        try (StreamReader in = new StreamReader(new BytesConnection(bytes, 1 << 20, true), "preempt")) {
            PageRecordReader reader = new PageRecordReader(in, BLOCKS);
            reader.read(new Hears(heard));

            assertEquals(bytes.length, in.offset());
            assertFalse(reader.next(new Hears(heard)));
        }
        assertEquals(4, heard.size());
    }

    @ParameterizedTest
    @CsvSource({
        "no block yet,        0000000000000022 00, no block was named",
        "unknown block,       0000000000000002 01 63 00, 'c'",
        "behind its block,    0000000000001002 01 62 00, page at 0x1000 of block 'b'",
        "before its block,    8000000000000002 01 61 00, page at 0x8000",
        "zero page of one,    0000000000000002 01 61 01, value 1",
        "a list of blocks,    0000000000003004 01 61, flags 0x4",
        "a delta,             0000000000000040 01 61, flags 0x40",
        "a compressed page,   0000000000000100 01 61, flags 0x100",
        "a flush,             0000000000000200, flags 0x200",
        "a hole,              0000000000000400 01 61, flags 0x400",
        "a digest,            0000000000000800 01 61, flags 0x800",
        "nothing,             0000000000000000, flags 0x0",
        "an end of its block, 0000000000000030, flags 0x30",
    })
    void whateverIsNoPageIsRefused(String what, String hex, String message) throws Exception {
        // Behind a page of a block, CONTINUE would be right.
        String before = what.equals("no block yet") ? "" : "0000000000000002 01 61 00";
        byte[] stream = Wired.bytes(before, hex);
        byte[] longer = Arrays.copyOf(stream, stream.length + 5000);
        try (StreamReader in = new StreamReader(new BytesConnection(longer, 1 << 20, false), "preempt")) {
            CorruptStreamException refusal = assertThrows(
                    CorruptStreamException.class,
                    () -> new PageRecordReader(in, BLOCKS).read(new Hears(new ArrayList<>())),
                    what);

            assertEquals(Wired.bytes(before).length, refusal.offset(), refusal.getMessage());
            assertTrue(refusal.getMessage().contains(message), refusal.getMessage());
        }
    }

    @Test
    void aCutInsideARecordIsToldAndOneBetweenTwoIsTheEnd() throws Exception {
        byte[] whole = written(false);
        List<Integer> ends = List.of(0, 4106, 4115, 8221, 12327);
        for (int cut = 0; cut < whole.length; cut += cut < 20 || (cut > 4090 && cut < 4130) ? 1 : 13) {
            byte[] rest = Arrays.copyOf(whole, cut);
            try (StreamReader in = new StreamReader(new BytesConnection(rest, 1 << 20, false), "preempt")) {
                PageRecordReader reader = new PageRecordReader(in, BLOCKS);
                if (ends.contains(cut)) {
                    reader.read(new Hears(new ArrayList<>()));
                } else {
                    CorruptStreamException refusal = assertThrows(
                            CorruptStreamException.class,
                            () -> reader.read(new Hears(new ArrayList<>())),
                            "cut at " + cut);
                    assertEquals(cut, refusal.offset(), refusal.getMessage());
                }
            }
        }
    }
}
