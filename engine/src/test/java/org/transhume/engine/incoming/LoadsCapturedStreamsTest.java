package org.transhume.engine.incoming;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.transhume.memory.RamBlock;

class LoadsCapturedStreamsTest {
    private static final String IGNORE_SHARED = "ignore-shared-10.0.2";

    @ParameterizedTest
    @ValueSource(
            strings = {
                "precopy-10.0.2",
                "precopy-7.2.22",
                "precopy-return-path-10.0.2",
                "background-snapshot-10.0.2",
                IGNORE_SHARED,
                "multifd-none-10.0.2",
                "multifd-none-7.2.22",
                "multifd-none-10.0.2-machine-7.2",
                "multifd-zero-legacy-10.0.2",
                "multifd-zlib-10.0.2",
                "multifd-zlib-7.2.22",
                "multifd-zstd-10.0.2",
                "multifd-zstd-7.2.22",
                "xbzrle-10.0.2",
                "compress-7.2.22"
            })
    void everyBlockEndsWithTheBytesOfItsSource(String fixture) throws Exception {
        Set<String> capabilities = fixture.equals(IGNORE_SHARED) ? Set.of("x-ignore-shared") : Set.of();
        IncomingConfig config = IncomingConfig.DEFAULT.withShared(capabilities).withMethod(Captures.method(fixture));
        try (Replay replay = Replay.of(Captures.streams(fixture), config, false)) {
            assertEquals("completed", replay.report().outcome(), replay.report().reason());
            assertEquals(Captures.expected(fixture), blocks(replay));
            assertFalse(replay.report().descriptionMissing());
        }
    }

    @Test
    void answersTheSourceAsItAsksTo() {
        List<byte[]> streams = Captures.streams("precopy-return-path-10.0.2");

        try (Replay replay = Replay.of(streams, Set.of(), true)) {
            assertEquals("completed", replay.report().outcome(), replay.report().reason());
            assertArrayEquals(
                    Captures.unzipped("precopy-return-path-10.0.2/return.bin.gz"),
                    replay.connections.getFirst().answers());
        }
    }

    @Test
    void leavesZeroPagesOfFreshMemoryUnallocated() {
        try (Replay replay = Replay.of(Captures.streams("precopy-10.0.2"), Set.of(), false)) {
            long[] allocated = {0};
            for (RamBlock block : replay.guest.memory().blocks()) {
                block.populatedExtents((offset, length) -> allocated[0] += length);
            }

            assertTrue(allocated[0] <= 300 * 4096, "%d bytes for 241 pages".formatted(allocated[0]));
        }
    }

    @Test
    void keepsTheDeviceStateByteForByte() {
        byte[] stream = Captures.streams("precopy-10.0.2").getFirst();

        try (Replay replay = Replay.of(List.of(stream), Set.of(), false)) {
            byte[] tail = replay.guest.saveDevices().toBytes();
            byte[] sent = new byte[tail.length];
            System.arraycopy(stream, stream.length - tail.length, sent, 0, tail.length);
            assertArrayEquals(sent, tail);
            assertTrue(tail.length > 10_000, "%d bytes of devices".formatted(tail.length));
        }
    }

    private static Map<String, Captures.Block> blocks(Replay replay) throws Exception {
        Map<String, Captures.Block> blocks = new LinkedHashMap<>();
        for (RamBlock block : replay.guest.memory().blocks()) {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            digest.update(block.segment().asByteBuffer());
            blocks.put(
                    block.name(),
                    new Captures.Block(block.size(), HexFormat.of().formatHex(digest.digest())));
        }
        return blocks;
    }
}
