package org.transhume.engine.incoming;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Streams cut and damaged in every way: one line with the offset, no hang, nothing left. */
class RefusesDamagedStreamsTest {
    private static final long SEED = 20261121;
    private static final int CUTS = 200;

    @Test
    void aCutAnywhereIsOneLineWithItsOffset() {
        byte[] whole = Captures.streams("precopy-10.0.2").getFirst();
        int description = descriptionAt(whole);
        Random random = new Random(SEED);
        for (int i = 0; i < CUTS; i++) {
            int cut = random.nextInt(description);

            refused(Arrays.copyOf(whole, cut), "seed %d, cut at %d".formatted(SEED, cut), cut);
        }
    }

    @Test
    void aCutInAChannelIsOneLineWithItsOffset() {
        Random random = new Random(SEED);
        for (String fixture :
                List.of("multifd-none-10.0.2", "multifd-none-7.2.22", "multifd-none-10.0.2-machine-7.2")) {
            List<byte[]> whole = Captures.streams(fixture);
            for (int i = 0; i < 20; i++) {
                List<byte[]> streams = new ArrayList<>(whole);
                int channel = 1 + random.nextInt(2);
                int cut = random.nextInt(whole.get(channel).length - 3 * 1344);
                streams.set(channel, Arrays.copyOf(whole.get(channel), cut));

                try (Replay replay = Replay.of(streams, Set.of(), false)) {
                    String where = "%s, seed %d, channel %d cut at %d".formatted(fixture, SEED, channel - 1, cut);
                    assertEquals("failed", replay.report().outcome(), where);
                    assertOneLine(replay.report().reason(), where);
                }
            }
        }
    }

    @Test
    void aStreamWithoutItsDescriptionCompletesAndSaysSo() {
        byte[] whole = Captures.streams("precopy-10.0.2").getFirst();

        try (Replay replay = Replay.of(List.of(Arrays.copyOf(whole, descriptionAt(whole))), Set.of(), false)) {
            assertEquals("completed", replay.report().outcome(), replay.report().reason());
            assertTrue(replay.report().descriptionMissing());
        }
    }

    @Test
    void aCutAtEverySectionBoundaryIsRefused() {
        byte[] whole = Captures.streams("precopy-10.0.2").getFirst();
        int end = descriptionAt(whole) - 1;
        int boundaries = 0;
        for (int at = 0; at + 5 <= end; at++) {
            // every footer of a section that QEMU numbers low, and a few look-alikes inside pages
            boolean footer = whole[at] == 0x7e && whole[at + 1] == 0 && whole[at + 2] == 0 && whole[at + 3] == 0;
            if (footer) {
                boundaries++;
                refused(Arrays.copyOf(whole, at + 5), "cut behind the footer at %d".formatted(at), at + 5);
            }
        }
        assertTrue(boundaries > 25, "%d boundaries".formatted(boundaries));
    }

    @Test
    void everyLengthFieldAtItsMaximumIsRefused() {
        byte[] whole = Captures.streams("precopy-10.0.2").getFirst();
        int machine = 9;
        int section = 13 + 11;
        int idstr = section + 5;
        int total = idstr + 4 + 8;
        int blockName = total + 8;
        int blockLength = blockName + 1 + whole[blockName];
        int description = descriptionAt(whole) + 1;

        for (int[] field :
                new int[][] {{machine, 4}, {idstr, 1}, {total, 8}, {blockName, 1}, {blockLength, 8}, {description, 4}
                }) {
            byte[] damaged = whole.clone();
            Arrays.fill(damaged, field[0], field[0] + field[1], (byte) 0xff);
            refused(damaged, "%d bytes at %d set to ff".formatted(field[1], field[0]), -1);
        }
    }

    @Test
    void everyNumberOfAPacketAtItsMaximumIsRefused() {
        List<byte[]> whole = Captures.streams("multifd-none-10.0.2");
        byte[] channel = whole.get(1);
        int firstPages = 64 + 1344;
        assertEquals(0x11223344, be32(channel, firstPages));

        for (int[] field :
                new int[][] {{0, 4}, {4, 4}, {8, 4}, {12, 4}, {16, 4}, {20, 4}, {32, 4}, {64, 256}, {320, 8}}) {
            byte[] damaged = channel.clone();
            Arrays.fill(damaged, firstPages + field[0], firstPages + field[0] + field[1], (byte) 0xff);
            List<byte[]> streams = new ArrayList<>(whole);
            streams.set(1, damaged);

            try (Replay replay = Replay.of(streams, Set.of(), false)) {
                String where = "packet field at %d".formatted(field[0]);
                assertEquals("failed", replay.report().outcome(), where);
                assertOneLine(replay.report().reason(), where);
                assertTrue(
                        replay.report().reason().contains("offset"),
                        replay.report().reason());
            }
        }
    }

    @Test
    void aHelloOfAChannelThatIsNotExpectedIsRefused() {
        List<byte[]> whole = Captures.streams("multifd-none-10.0.2");
        byte[] stranger = whole.get(1).clone();
        stranger[24] = (byte) 0xff;

        try (Replay replay = Replay.of(List.of(whole.get(0), stranger, whole.get(2)), Set.of(), false)) {
            assertEquals("failed", replay.report().outcome());
            assertTrue(
                    replay.report().reason().contains("channel id 255"),
                    replay.report().reason());
        }
    }

    @Test
    void aChannelThatNeverConnectsEndsTheWait() {
        List<byte[]> whole = Captures.streams("multifd-none-10.0.2");

        try (Replay replay = Replay.of(List.of(whole.get(0), whole.get(1), new byte[0]), Set.of(), false)) {
            assertEquals("failed", replay.report().outcome());
            assertTrue(
                    replay.report().reason().contains("1 of 2 multifd channels"),
                    replay.report().reason());
        }
    }

    @Test
    void noDamagedByteLeadsToAHangOrAnythingButAVerdict() {
        byte[] whole = Captures.streams("precopy-10.0.2").getFirst();
        Random random = new Random(SEED);
        for (int i = 0; i < CUTS; i++) {
            byte[] damaged = whole.clone();
            int at = random.nextInt(damaged.length);
            damaged[at] ^= (byte) (1 + random.nextInt(255));

            try (Replay replay = Replay.of(List.of(damaged), Set.of(), false)) {
                if (replay.report().outcome().equals("failed")) {
                    assertOneLine(replay.report().reason(), "seed %d, byte %d".formatted(SEED, at));
                }
            }
        }
    }

    @Test
    void capabilitiesThatDifferAreNamed() {
        try (Replay replay = Replay.of(Captures.streams("ignore-shared-10.0.2"), Set.of("x-hole-runs"), false)) {
            assertEquals("failed", replay.report().outcome());
            assertTrue(
                    replay.report().reason().contains("'x-ignore-shared' is on at the source and off here")
                            && replay.report().reason().contains("'x-hole-runs' is off at the source and on here"),
                    replay.report().reason());
        }
    }

    private static void refused(byte[] stream, String where, long offset) {
        try (Replay replay = Replay.of(List.of(stream), Set.of(), false)) {
            String reason = replay.report().reason();
            assertEquals("failed", replay.report().outcome(), where);
            assertOneLine(reason, where);
            if (stream.length >= 4) {
                assertTrue(reason.contains("offset"), where + ": " + reason);
            }
            if (offset >= 4) {
                assertTrue(reason.contains("offset %d".formatted(offset)), where + ": " + reason);
            }
        }
    }

    private static void assertOneLine(String reason, String where) {
        assertTrue(reason != null && !reason.isBlank() && reason.lines().count() == 1, where + ": " + reason);
    }

    /** The byte behind the EOF. */
    private static int descriptionAt(byte[] stream) {
        for (int at = stream.length - 7; at > 0; at--) {
            if (stream[at] == 0
                    && stream[at + 1] == 6
                    && stream[at + 6] == '{'
                    && be32(stream, at + 2) == stream.length - at - 6) {
                return at + 1;
            }
        }
        throw new AssertionError("no description");
    }

    private static int be32(byte[] bytes, int at) {
        return (bytes[at] & 0xff) << 24
                | (bytes[at + 1] & 0xff) << 16
                | (bytes[at + 2] & 0xff) << 8
                | (bytes[at + 3] & 0xff);
    }
}
