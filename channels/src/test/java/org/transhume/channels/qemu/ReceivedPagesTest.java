package org.transhume.channels.qemu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The bitmap of a recovery (spec: stream.md §8.6). */
class ReceivedPagesTest {
    @Test
    void aPageIsTheBitThatItsNumberSaysInTheByteThatItsNumberSays() throws Exception {
        byte[] written =
                Wired.written(out -> ReceivedPages.write(out, 70, first -> first == 0 ? 0x8000_0000_0000_0201L : 0x22));

        assertEquals(
                Wired.spec(
                        "0000000000000010", "01 02 00 00 00 00 00 80", "22 00 00 00 00 00 00 00", "0123456789abcdef"),
                Wired.hex(written));
    }

    @Test
    void bitsBehindTheLastPageAreLeftOut() throws Exception {
        assertEquals(
                Wired.spec("0000000000000008", "07 00 00 00 00 00 00 00", "0123456789abcdef"),
                Wired.hex(Wired.written(out -> ReceivedPages.write(out, 3, first -> -1))));
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 63, 64, 65, 4096, 4099})
    void whatWasWrittenIsRead(long pages) throws Exception {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        long[] words = random.longs(Math.ceilDiv(pages, 64)).toArray();
        words[words.length - 1] >>>= -pages & 63;
        byte[] bytes = Wired.written(out -> ReceivedPages.write(out, pages, first -> words[(int) (first / 64)]));

        long[] read = read(bytes, pages);

        assertEquals(Arrays.toString(words), Arrays.toString(read), () -> "seed " + seed);
    }

    @ParameterizedTest
    @CsvSource({
        "shorter than its block,  0000000000000008 0000000000000000 0123456789abcdef, 65, 0, bitmap size mismatch (0x8 != 0x10)",
        "longer than its block,   0000000000000010 0000000000000000 0123456789abcdef, 64, 0, bitmap size mismatch (0x10 != 0x8)",
        "as long as nothing is,   8000000000000000 0000000000000000 0123456789abcdef, 64, 0, bitmap size mismatch",
        "with a page too many,    0000000000000008 0800000000000000 0123456789abcdef, 3, 8, bitmap word 0x8",
        "without its end,         0000000000000008 0000000000000000 0123456789abcdee, 64, 16, end mark incorrect",
        "without its end's order, 0000000000000008 0000000000000000 efcdab8967452301, 64, 16, end mark incorrect"
    })
    void aBitmapOfAnotherBlockIsRefused(String what, String hex, long pages, long offset, String message) {
        CorruptStreamException refusal =
                assertThrows(CorruptStreamException.class, () -> read(Wired.bytes(hex), pages), what);

        assertEquals(offset, refusal.offset(), refusal.getMessage());
        assertTrue(refusal.getMessage().contains(message), refusal.getMessage());
    }

    @Test
    void aCutIsTold() throws Exception {
        byte[] bytes = Wired.written(out -> ReceivedPages.write(out, 128, first -> first));
        for (int cut = 0; cut < bytes.length; cut++) {
            byte[] rest = Arrays.copyOf(bytes, cut);
            CorruptStreamException refusal = assertThrows(CorruptStreamException.class, () -> read(rest, 128));
            assertEquals(cut, refusal.offset(), refusal.getMessage());
        }
    }

    private static long[] read(byte[] bytes, long pages) throws IOException {
        long[] words = new long[Math.toIntExact(Math.ceilDiv(pages, 64))];
        try (StreamReader in = new StreamReader(new BytesConnection(bytes, 13, false), "return path")) {
            ReceivedPages.read(in, pages, (first, bits) -> words[(int) (first / 64)] = bits);
            assertEquals(bytes.length, in.offset());
        }
        return words;
    }
}
