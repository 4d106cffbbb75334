package org.transhume.engine.incoming;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.zip.Deflater;
import java.util.zip.DeflaterOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.transhume.channels.qemu.BlockEntry;
import org.transhume.channels.qemu.DeviceTail;
import org.transhume.channels.qemu.MainStreamWriter;
import org.transhume.channels.qemu.SectionKind;
import org.transhume.channels.qemu.StreamWriter;
import org.transhume.engine.DeviceSections;
import org.transhume.engine.Extensions;
import org.transhume.engine.NothingLeft;
import org.transhume.engine.Packing;
import org.transhume.engine.Recording;
import org.transhume.memory.PageSize;

/**
 * Records of the main channel whose page is packed: whatever is in them, the load ends with one line that names the offset,
 * or with those pages changed that were named.
 */
class RefusesDamagedRecordsTest {
    private static final int SECTION = 1;
    private static final int PAGES = 8;
    private static final int VICTIM = 3;
    private static final int VICTIM_AT = VICTIM * PageSize.BYTES;
    private static final int WORD = 8;
    private static final int DELTA_HEAD = WORD + 3;
    private static final int COMPRESSED_HEAD = WORD + 4;
    private static final long SEED = 20261121;

    @RegisterExtension
    final NothingLeft nothingLeft = new NothingLeft();

    private interface Records {
        void write(MainStreamWriter out, Arena arena) throws IOException;
    }

    /**
     * @param bytes of a whole stream
     * @param at of the records under test
     */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record Stream(byte[] bytes, int at) {}

    /** All pages, each full of its number plus one; then what is under test, in a section of its own. */
    private static Stream stream(Records records) {
        Recording.Kept kept = new Recording.Kept();
        try (Arena arena = Arena.ofConfined();
                MainStreamWriter out = new MainStreamWriter(new StreamWriter(kept), SECTION)) {
            out.header(Extensions.header("transhume-1.0", null, Set.of(Extensions.HOLE_RUNS)));
            out.section(SectionKind.START);
            out.blocks(List.of(new BlockEntry("pc.ram", (long) PAGES * PageSize.BYTES)), false);
            out.endOfSection();
            out.section(SectionKind.PART);
            for (int page = 0; page < PAGES; page++) {
                out.pageCopy(0, (long) page * PageSize.BYTES, segment(arena, full(page + 1)), 0);
            }
            out.endOfSection();
            out.section(SectionKind.PART);
            int at = (int) out.offset();
            records.write(out, arena);
            out.endOfSection();
            out.section(SectionKind.END);
            out.endOfSection();
            DeviceTail devices = new DeviceSections(List.of()).save();
            out.devices(devices);
            out.end(devices);
            out.flush();
            return new Stream(kept.bytes(), at);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static Replay replay(byte[] stream, int threads) {
        return Replay.of(
                List.of(stream),
                IncomingConfig.DEFAULT.withShared(Set.of(Extensions.HOLE_RUNS)).withDecompressThreads(threads),
                false);
    }

    private static byte[] full(int value) {
        byte[] page = new byte[PageSize.BYTES];
        Arrays.fill(page, (byte) value);
        return page;
    }

    private static MemorySegment segment(Arena arena, byte[] bytes) {
        return arena.allocate(Math.max(1, bytes.length)).copyFrom(MemorySegment.ofArray(bytes));
    }

    @ParameterizedTest
    @CsvSource({
        "'',               'delta of 0 bytes'",
        "ff,               'expected a run of unchanged bytes'",
        "05,               'expected a run of unchanged bytes'",
        "01,               'expected a run of unchanged bytes'",
        "0000,             'expected a run of new bytes'",
        "000000,           'run of 0 new bytes'",
        "8000,             'expected a run of new bytes'",
        "0001aa00,         'expected a run of unchanged bytes'",
        "0001aa0001bb,     'run of 0 unchanged bytes'",
        "00808001,         'second and last byte of a length'",
        "802001aa,         'only 0 of the page are left'",
        "ff1f02aabb,       'only 1 of the page are left'",
        "007faa,           'the delta ends after 1'",
        "ffff0001aa,       'second and last byte of a length'",
        "ff7f01aa,         'only 4096 of the page are left'",
    })
    void aDeltaThatIsNoneIsRefused(String hex, String complaint) {
        byte[] delta = HexFormat.of().parseHex(hex);
        Stream stream = stream((out, arena) -> out.deltaPage(0, VICTIM_AT, segment(arena, delta), 0, delta.length));

        String reason = refused(stream.bytes, stream.at + DELTA_HEAD, hex);

        assertTrue(reason.contains("xbzrle page at 0x3000 of block 'pc.ram': XBZRLE: "), reason);
        assertTrue(reason.contains(complaint), reason);
    }

    @Test
    void aDeltaLongerThanAPageOrOfAnotherFormIsRefused() {
        Stream tooLong = stream((out, arena) -> out.deltaPage(0, VICTIM_AT, arena.allocate(4097), 0, 4097));
        Stream otherForm =
                stream((out, arena) -> out.deltaPage(0, VICTIM_AT, segment(arena, new byte[] {0, 1, 7}), 0, 3));
        otherForm.bytes[otherForm.at + WORD] = 2;

        assertTrue(refused(tooLong.bytes, tooLong.at, "too long").contains("xbzrle page of 4097 bytes"));
        assertTrue(refused(otherForm.bytes, otherForm.at, "other form").contains("xbzrle page in form 2"));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 8})
    void aPageThatIsNotCompressedIsRefused(int threads) {
        byte[] sound = deflated(full(7));
        byte[] badSum = sound.clone();
        badSum[badSum.length - 1] ^= 1;
        byte[] noise = new byte[100];
        new Random(SEED).nextBytes(noise);
        List<byte[]> broken = List.of(
                noise,
                new byte[] {0},
                badSum,
                Arrays.copyOf(sound, sound.length - 1),
                Arrays.copyOf(sound, sound.length / 2),
                Arrays.copyOf(sound, sound.length + 1),
                deflated(new byte[0]),
                deflated(new byte[4095]),
                deflated(new byte[4097]),
                deflated(new byte[8192]),
                deflated(new byte[4 << 20]));
        for (int i = 0; i < broken.size(); i++) {
            byte[] packed = Arrays.copyOf(broken.get(i), Math.min(4110, broken.get(i).length));
            Stream stream =
                    stream((out, arena) -> out.compressedPage(0, VICTIM_AT, segment(arena, packed), 0, packed.length));

            String reason = refused(stream.bytes, stream.at + COMPRESSED_HEAD, "broken page " + i, threads);

            assertTrue(reason.contains("compressed page: zlib page, byte "), reason);
        }
    }

    @Test
    void aCompressedPageOfALengthThatZlibCannotMakeIsRefused() {
        for (int length : new int[] {0, 4111, 1 << 20}) {
            Stream stream =
                    stream((out, arena) -> out.compressedPage(0, VICTIM_AT, arena.allocate(1 << 20), 0, length));

            String reason = refused(stream.bytes, stream.at, "length " + length);

            assertTrue(reason.contains("compressed page of %d bytes, expected 1..4110".formatted(length)), reason);
        }
    }

    @Test
    void aCutInAPackedPageIsOneLineWithItsOffset() {
        byte[] packed = deflated(full(7));
        Stream compressed =
                stream((out, arena) -> out.compressedPage(0, VICTIM_AT, segment(arena, packed), 0, packed.length));
        Stream delta = stream((out, arena) -> out.deltaPage(0, VICTIM_AT, segment(arena, packed), 0, packed.length));
        for (Stream stream : List.of(compressed, delta)) {
            for (int cut = stream.at; cut < stream.at + WORD + 3 + packed.length; cut++) {
                refused(Arrays.copyOf(stream.bytes, cut), cut, "cut at %d".formatted(cut));
            }
        }
    }

    /** Each kind of record replaces what came before it, whichever thread still has that in its hands. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 8})
    void recordsOfOnePageAreAppliedInTheirOrder(int threads) {
        for (int seed = 0; seed < 30; seed++) {
            Random random = new Random(seed);
            byte[] expected = new byte[PAGES * PageSize.BYTES];
            for (int page = 0; page < PAGES; page++) {
                Arrays.fill(expected, page * PageSize.BYTES, (page + 1) * PageSize.BYTES, (byte) (page + 1));
            }
            Stream stream = stream((out, arena) -> {
                for (int i = 0; i < 100; i++) {
                    write(random, out, arena, expected);
                }
            });

            try (Replay replay = replay(stream.bytes, threads)) {
                assertEquals(
                        "completed", replay.report().outcome(), replay.report().reason());
                assertArrayEquals(expected, ram(replay), "seed %d".formatted(seed));
            }
        }
    }

    /** One record, and what it does to {@code ram}. */
    private static void write(Random random, MainStreamWriter out, Arena arena, byte[] ram) throws IOException {
        int at = random.nextInt(3) * PageSize.BYTES;
        byte[] noise = new byte[PageSize.BYTES];
        for (int i = random.nextInt(PageSize.BYTES); i < PageSize.BYTES; i++) {
            noise[i] = (byte) random.nextInt();
        }
        switch (random.nextInt(8)) {
            case 0 -> {
                out.zeroPage(0, at);
                Arrays.fill(ram, at, at + PageSize.BYTES, (byte) 0);
            }
            case 1 -> {
                out.pageCopy(0, at, segment(arena, noise), 0);
                System.arraycopy(noise, 0, ram, at, PageSize.BYTES);
            }
            case 2 -> {
                int skip = random.nextInt(127);
                out.deltaPage(0, at, segment(arena, new byte[] {(byte) skip, 1, noise[0]}), 0, 3);
                ram[at + skip] = noise[0];
            }
            case 3 -> {
                out.holeRun(0, at, 2L * PageSize.BYTES);
                Arrays.fill(ram, at, at + 2 * PageSize.BYTES, (byte) 0);
            }
            default -> {
                byte[] packed = deflated(noise);
                out.compressedPage(0, at, segment(arena, packed), 0, packed.length);
                System.arraycopy(noise, 0, ram, at, PageSize.BYTES);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"xbzrle-10.0.2", "compress-7.2.22"})
    void aDamagedByteOfQemuLeadsToAVerdict(String fixture) {
        byte[] whole = Captures.streams(fixture).getFirst();
        Random random = new Random(SEED);
        for (int i = 0; i < 40; i++) {
            verdict(whole, random, IncomingConfig.DEFAULT, fixture);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"XBZRLE", "COMPRESS_8_WAITING", "COMPRESS_XBZRLE"})
    void aDamagedByteOfOursLeadsToAVerdict(Packing packing) {
        byte[] whole = Recording.of(packing).streams().getFirst();
        Random random = new Random(SEED);
        for (int i = 0; i < 40; i++) {
            verdict(whole, random, packing.incoming(0), packing.toString());
        }
    }

    private static void verdict(byte[] whole, Random random, IncomingConfig config, String where) {
        byte[] damaged = whole.clone();
        int at = random.nextInt(damaged.length);
        damaged[at] ^= (byte) (1 << random.nextInt(8));
        try (Replay replay = Replay.of(List.of(damaged), config, false)) {
            String reason = replay.report().reason();
            if (replay.report().outcome().equals("failed")) {
                assertEquals(1, reason.lines().count(), "%s, seed %d, byte %d".formatted(where, SEED, at));
            }
        }
    }

    private static String refused(byte[] stream, int offset, String where) {
        return refused(stream, offset, where, 2);
    }

    /** Checks that the load failed there, and that no page but the one named was touched. */
    private static String refused(byte[] stream, int offset, String where, int threads) {
        try (Replay replay = replay(stream, threads)) {
            String reason = replay.report().reason();
            assertEquals("failed", replay.report().outcome(), where);
            assertEquals(1, reason.lines().count(), where);
            assertTrue(reason.startsWith("main, offset %d ".formatted(offset)), where + ": " + reason);
            byte[] ram = ram(replay);
            for (int page = 0; page < PAGES; page++) {
                if (page != VICTIM) {
                    assertArrayEquals(
                            full(page + 1),
                            Arrays.copyOfRange(ram, page * PageSize.BYTES, (page + 1) * PageSize.BYTES),
                            where);
                }
            }
            return reason;
        }
    }

    private static byte[] ram(Replay replay) {
        return replay.guest.memory().blocks().getFirst().segment().toArray(ValueLayout.JAVA_BYTE);
    }

    private static byte[] deflated(byte[] plain) {
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        Deflater deflater = new Deflater(1);
        try (DeflaterOutputStream out = new DeflaterOutputStream(packed, deflater)) {
            out.write(plain);
        } catch (IOException e) {
            throw new AssertionError(e);
        } finally {
            deflater.end();
        }
        return packed.toByteArray();
    }
}
