package org.transhume.channels.qemu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Postcopies between two QEMU 10.0.2, every byte of them (spec: stream.md §8.3 to §8.6). */
@Timeout(60)
class PostcopyCaptureTest {
    private static final long ANY_RAM = 1L << 30;
    private static final int RAM_ID = 1;
    private static final int MUTATIONS = 400;

    @Test
    void aPostcopyIsReadAndWrittenToItsLastByte() throws Exception {
        byte[] stream = Capture.bytes("postcopy-10.0.2");
        try (Capture capture = new Capture(RAM_ID)) {
            parseAll(stream, capture);

            assertArrayEquals(stream, capture.written());
            assertNothingIsMissing(capture);
            assertDigests("postcopy-10.0.2", capture);
        }
    }

    @Test
    void urgentPagesComeOnAChannelOfTheirOwnEachPageOnceInAll() throws Exception {
        byte[] stream = Capture.bytes("postcopy-preempt-10.0.2-forward");
        byte[] preempt = Capture.bytes("postcopy-preempt-10.0.2-preempt");
        try (Capture capture = new Capture(RAM_ID)) {
            parseAll(stream, capture);
            BytesConnection written = new BytesConnection();
            try (StreamReader in = new StreamReader(new BytesConnection(preempt, 5000, false), "preempt");
                    PageRecordWriter out = new PageRecordWriter(new StreamWriter(written), capture.blocks)) {
                new PageRecordReader(in, capture.blocks).read(capture.urgent(out));
                out.flush();
                assertEquals(preempt.length, in.offset());
            }

            assertArrayEquals(stream, capture.written());
            assertArrayEquals(preempt, written.written());
            assertEquals(259, capture.urgent);
            assertNothingIsMissing(capture);
            assertDigests("postcopy-preempt-10.0.2", capture);
        }
    }

    @Test
    void aPostcopyThatWasCutGoesOnAtTheNewConnectionUntilNothingIsMissing() throws Exception {
        byte[] first = Capture.bytes("postcopy-recover-10.0.2-1-forward");
        byte[] second = Capture.bytes("postcopy-recover-10.0.2-2-forward");
        try (Capture capture = new Capture(RAM_ID);
                StreamReader cut = new StreamReader(new BytesConnection(first, 1 << 20, false), "main");
                StreamReader resumed = new StreamReader(new BytesConnection(second, 5000, true), "resumed")) {
            MainStreamParser parser = new MainStreamParser(cut, capture, ANY_RAM);
            CorruptStreamException end = assertThrows(CorruptStreamException.class, parser::parse);
            assertEquals(first.length, end.offset());
            // The footer that the cut took off.
            assertArrayEquals(first, Arrays.copyOf(capture.written(), first.length));
            List<BitSet> missing =
                    capture.missing.stream().map(bits -> (BitSet) bits.clone()).toList();
            assertBitmapsOfAnswersAre(missing, capture.blocks);

            capture.resumed();
            capture.commands.clear();
            MainStreamParser recovery = parser.resumed(resumed);
            recovery.parse();
            capture.end();

            assertEquals(second.length, recovery.end());
            assertArrayEquals(second, capture.written());
            List<Command> asked = capture.blocks.stream()
                    .map(block -> (Command) new Command.RecvBitmap(block.name()))
                    .collect(Collectors.toCollection(ArrayList::new));
            asked.add(new Command.PostcopyResume());
            assertEquals(asked, capture.commands);
            assertNothingIsMissing(capture);
            assertDigests("postcopy-recover-10.0.2", capture);
        }
    }

    /** What the destination says to have is what it was sent. */
    private static void assertBitmapsOfAnswersAre(List<BitSet> missing, List<BlockEntry> blocks) throws IOException {
        Answers answers = new Answers(blocks, Capture.bytes("postcopy-recover-10.0.2-2-return"));
        answers.read();
        for (int block = 0; block < blocks.size(); block++) {
            BitSet received = answers.received.get(blocks.get(block).name());
            received.flip(0, (int) pages(blocks.get(block)));
            assertEquals(missing.get(block), received, blocks.get(block).name());
        }
    }

    @ParameterizedTest
    @CsvSource({
        "postcopy-10.0.2-return, 4, 23, 0, 0",
        "postcopy-preempt-10.0.2-return, 4, 259, 0, 0",
        "postcopy-recover-10.0.2-1-return, 4, 2, 0, -1",
        "postcopy-recover-10.0.2-2-return, 0, 12, 7, 0"
    })
    void whatADestinationSaysIsReadAndWrittenToItsLastByte(String name, int pongs, int requests, int bitmaps, int shut)
            throws Exception {
        byte[] stream = Capture.bytes(name);
        Answers answers = new Answers(blocks(), stream);

        answers.read();

        assertArrayEquals(stream, answers.written.written());
        assertEquals(pongs, count(answers, ReturnPathMessage.Pong.class));
        assertEquals(requests, count(answers, ReturnPathMessage.RequestPages.class));
        assertEquals(bitmaps, answers.received.size());
        assertEquals(bitmaps > 0 ? 1 : 0, count(answers, ReturnPathMessage.ResumeAck.class));
        if (shut >= 0) {
            assertEquals(new ReturnPathMessage.Shut(shut), answers.messages.getLast());
        }
    }

    private static long count(Answers answers, Class<? extends ReturnPathMessage> kind) {
        return answers.messages.stream().filter(kind::isInstance).count();
    }

    @Test
    void aCutOfTheResumedStreamAtAnyRecordIsTold() throws Exception {
        byte[] second = Capture.bytes("postcopy-recover-10.0.2-2-forward");
        try (Started started = new Started()) {
            List<Integer> cuts = new ArrayList<>();
            for (int at = 0; at < 160; at++) {
                cuts.add(at);
            }
            started.resumed(second);
            List.copyOf(started.skips.records).forEach(offset -> cuts.add(offset.intValue()));
            cuts.add(second.length - 1);
            for (int cut : cuts) {
                CorruptStreamException refusal = assertThrows(
                        CorruptStreamException.class,
                        () -> started.resumed(Arrays.copyOf(second, cut)),
                        "cut at " + cut);
                assertEquals(cut, refusal.offset(), refusal.getMessage());
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"postcopy-10.0.2-return", "postcopy-recover-10.0.2-2-return"})
    void aCutOfAnAnswerIsToldUnlessItIsBetweenTwo(String name) throws Exception {
        byte[] stream = Capture.bytes(name);
        Answers whole = new Answers(blocks(), stream);
        whole.read();
        for (int cut = 0; cut < stream.length; cut++) {
            Answers answers = new Answers(blocks(), Arrays.copyOf(stream, cut));
            if (whole.boundaries.contains((long) cut)) {
                answers.read();
                continue;
            }
            CorruptStreamException refusal = assertThrows(CorruptStreamException.class, answers::read, "cut at " + cut);
            assertEquals(cut, refusal.offset(), refusal.getMessage());
        }
    }

    @Test
    void whateverIsChangedInAPostcopyIsRefusedWithAnOffsetOrHarmless() throws Exception {
        byte[] first = Capture.bytes("postcopy-recover-10.0.2-1-forward");
        Skips skips = new Skips();
        try (StreamReader in = new StreamReader(new BytesConnection(first, 1 << 20, false), "main")) {
            assertThrows(CorruptStreamException.class, new MainStreamParser(in, skips, ANY_RAM)::parse);
        }
        List<Long> interesting = skips.records;
        int switchover = indexOf(first, Wired.bytes("08 0006"));
        for (long at = switchover - 40L; at < switchover + 4000; at += 10) {
            interesting.add(at);
        }
        mutate(first, interesting, "main", stream -> {
            try (StreamReader in = new StreamReader(new BytesConnection(stream, 1 << 20, false), "main")) {
                new MainStreamParser(in, new Skips(), ANY_RAM).parse();
            }
        });
    }

    @Test
    void whateverIsChangedBehindACutIsRefusedWithAnOffsetOrHarmless() throws Exception {
        byte[] second = Capture.bytes("postcopy-recover-10.0.2-2-forward");
        try (Started started = new Started()) {
            started.resumed(second);
            List<Long> interesting = new ArrayList<>(started.skips.records);
            for (long at = 0; at < 400; at++) {
                interesting.add(at);
            }
            mutate(second, interesting, "resumed", started::resumed);
        }
    }

    @Test
    void whateverIsChangedInAChannelOfPagesIsRefusedWithAnOffsetOrHarmless() throws Exception {
        byte[] preempt = Capture.bytes("postcopy-preempt-10.0.2-preempt");
        List<Long> interesting = new ArrayList<>();
        List<BlockEntry> blocks = blocks();
        Skips skips = new Skips();
        try (StreamReader in = new StreamReader(new BytesConnection(preempt, 1 << 20, false), "preempt")) {
            PageRecordReader reader = new PageRecordReader(in, blocks);
            while (reader.next(skips)) {
                interesting.add(in.offset());
            }
        }
        mutate(preempt, interesting, "preempt", stream -> {
            try (StreamReader in = new StreamReader(new BytesConnection(stream, 1 << 20, false), "preempt")) {
                new PageRecordReader(in, blocks).read(skips);
            }
        });
    }

    @Test
    void whateverIsChangedInAnAnswerIsRefusedWithAnOffsetOrHarmless() throws Exception {
        byte[] stream = Capture.bytes("postcopy-recover-10.0.2-2-return");
        List<BlockEntry> blocks = blocks();
        List<Long> interesting = new ArrayList<>();
        for (long at = 0; at < stream.length; at += 10) {
            interesting.add(at);
        }
        mutate(stream, interesting, "return path", changed -> new Answers(blocks, changed).read());
    }

    private interface Reading {
        void of(byte[] stream) throws Exception;
    }

    private static void mutate(byte[] stream, List<Long> near, String channel, Reading reading) throws Exception {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        int refused = 0;
        for (int i = 0; i < MUTATIONS; i++) {
            byte[] changed = stream.clone();
            int at = Math.clamp(near.get(random.nextInt(near.size())) + random.nextInt(40) - 20, 0, stream.length - 1);
            for (int n = random.nextInt(3); n >= 0; n--) {
                changed[Math.min(at + random.nextInt(8), stream.length - 1)] = (byte)
                        switch (random.nextInt(4)) {
                            case 0 -> 0;
                            case 1 -> 0xff;
                            case 2 -> changed[at] ^ 1 << random.nextInt(8);
                            default -> random.nextInt();
                        };
            }
            try {
                reading.of(changed);
            } catch (CorruptStreamException e) {
                refused++;
                assertTrue(e.getMessage().startsWith(channel + ", offset "), e.getMessage());
                assertTrue(e.offset() >= 0 && e.offset() <= stream.length, e.getMessage());
            } catch (Throwable t) {
                throw new AssertionError("seed %d, mutation %d at %d".formatted(seed, i, at), t);
            }
        }
        assertTrue(refused > 10, "%d of %d refused, seed %d".formatted(refused, MUTATIONS, seed));
    }

    private static int indexOf(byte[] bytes, byte[] what) {
        for (int at = 0; ; at++) {
            if (Arrays.equals(bytes, at, at + what.length, what, 0, what.length)) {
                return at;
            }
        }
    }

    private static void parseAll(byte[] stream, Capture capture) throws IOException {
        try (StreamReader in = new StreamReader(new BytesConnection(stream, 1 << 16, true), "main")) {
            MainStreamParser parser = new MainStreamParser(in, capture, ANY_RAM);
            parser.parse();
            assertEquals(stream.length, parser.end());
        }
        capture.end();
    }

    private static void assertNothingIsMissing(Capture capture) {
        capture.missing.forEach(bits -> assertTrue(bits.isEmpty(), bits::toString));
    }

    private static void assertDigests(String name, Capture capture) throws Exception {
        for (String[] line : table(name)) {
            assertEquals(line[3], capture.digest(line[1]), line[1]);
        }
    }

    private static List<BlockEntry> blocks() throws IOException {
        return table("postcopy-10.0.2").stream()
                .map(line -> new BlockEntry(line[1], Long.parseLong(line[2])))
                .toList();
    }

    private static List<String[]> table(String name) throws IOException {
        try (InputStream in = PostcopyCaptureTest.class.getResourceAsStream("/qemu/postcopy-blocks.tsv")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .map(line -> line.split("\t", -1))
                    .filter(line -> line[0].equals(name))
                    .toList();
        }
    }

    private static long pages(BlockEntry block) {
        return block.length() / Wire.PAGE_BYTES;
    }

    /** A postcopy whose guest runs, to be resumed any number of times. */
    private static final class Started implements AutoCloseable {
        final Skips skips = new Skips();
        private final StreamReader cut;
        private final MainStreamParser parser;

        Started() throws IOException {
            cut = new StreamReader(
                    new BytesConnection(Capture.bytes("postcopy-recover-10.0.2-1-forward"), 1 << 20, false), "main");
            parser = new MainStreamParser(cut, skips, ANY_RAM);
            assertThrows(CorruptStreamException.class, parser::parse);
        }

        void resumed(byte[] stream) throws IOException {
            skips.records.clear();
            try (StreamReader in = new StreamReader(new BytesConnection(stream, 1 << 20, false), "resumed")) {
                parser.resumed(in).parse();
            }
        }

        @Override
        public void close() {
            cut.close();
        }
    }

    /** What a destination says, and the same written by us. */
    private static final class Answers {
        final List<ReturnPathMessage> messages = new ArrayList<>();
        final Map<String, BitSet> received = new LinkedHashMap<>();
        final List<Long> boundaries = new ArrayList<>();
        final BytesConnection written = new BytesConnection();
        private final List<BlockEntry> blocks;
        private final byte[] stream;

        Answers(List<BlockEntry> blocks, byte[] stream) {
            this.blocks = blocks;
            this.stream = stream;
        }

        void read() throws IOException {
            try (StreamReader in = new StreamReader(new BytesConnection(stream, 100, false), "return path");
                    StreamWriter out = new StreamWriter(written)) {
                boundaries.add(0L);
                for (ReturnPathMessage message = ReturnPathMessage.read(in);
                        message != null;
                        message = ReturnPathMessage.read(in)) {
                    messages.add(message);
                    message.write(out);
                    if (message instanceof ReturnPathMessage.ReceivedBitmap(String name)) {
                        bitmap(in, out, name);
                    }
                    boundaries.add(in.offset());
                }
                out.flush();
            }
        }

        private void bitmap(StreamReader in, StreamWriter out, String name) throws IOException {
            BlockEntry block = blocks.stream()
                    .filter(entry -> entry.name().equals(name))
                    .findFirst()
                    .orElseThrow(() -> in.corrupt(in.offset(), "bitmap of " + name));
            BitSet bits = new BitSet();
            ReceivedPages.read(in, pages(block), (first, word) -> {
                for (long left = word; left != 0; left &= left - 1) {
                    bits.set((int) first + Long.numberOfTrailingZeros(left));
                }
            });
            received.put(name, bits);
            ReceivedPages.write(out, pages(block), first -> {
                long[] words = bits.get((int) first, (int) first + Long.SIZE).toLongArray();
                return words.length == 0 ? 0 : words[0];
            });
        }
    }
}
