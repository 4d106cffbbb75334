package org.transhume.codec.compression;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.random.RandomGenerator;
import org.transhume.codec.CorruptDataException;

/** Pages as guests have them, from a seed: zeroes, text, tables of a binary, noise. */
final class Batches {
    static final int PAGE = 4096;
    static final int PAGES = 128;

    /** Bytes behind each batch that are watched: a test's buffer has room for them. */
    static final int GUARD = 256;

    private static final byte UNTOUCHED = (byte) 0xa5;

    private static final String[] WORDS = {
        "the", "guest", "page", "of", "memory", "is", "dirty", "and", "was", "sent", "again", "by", "lane", "to",
        "channel"
    };

    private Batches() {}

    static byte[] any(RandomGenerator random) {
        return any(random, 1 + random.nextInt(PAGES));
    }

    static byte[] any(RandomGenerator random, int pages) {
        byte[] batch = new byte[pages * PAGE];
        for (int page = 0; page < pages; page++) {
            switch (random.nextInt(4)) {
                case 0 -> {}
                case 1 -> text(random, batch, page * PAGE);
                case 2 -> table(random, batch, page * PAGE);
                default -> noise(random, batch, page * PAGE);
            }
        }
        return batch;
    }

    static byte[] noise(RandomGenerator random, int length) {
        byte[] batch = new byte[length];
        random.nextBytes(batch);
        return batch;
    }

    private static void text(RandomGenerator random, byte[] batch, int at) {
        for (int end = at + PAGE; at < end; ) {
            byte[] word = WORDS[random.nextInt(WORDS.length)].getBytes(StandardCharsets.US_ASCII);
            int length = Math.min(word.length, end - at);
            System.arraycopy(word, 0, batch, at, length);
            at += length;
            if (at < end) {
                batch[at++] = ' ';
            }
        }
    }

    private static void table(RandomGenerator random, byte[] batch, int at) {
        int address = random.nextInt();
        for (int end = at + PAGE; at < end; at += 8) {
            address += random.nextInt(64);
            batch[at] = (byte) address;
            batch[at + 1] = (byte) (address >>> 8);
            batch[at + 2] = (byte) (address >>> 16);
            batch[at + 4] = (byte) random.nextInt(4);
        }
    }

    private static void noise(RandomGenerator random, byte[] batch, int at) {
        byte[] page = noise(random, PAGE);
        System.arraycopy(page, 0, batch, at, PAGE);
    }

    /** Packs {@code batch} and hands out what would travel. */
    static byte[] pack(Compressor compressor, BatchBuffers buffers, byte[] batch) {
        MemorySegment.copy(batch, 0, buffers.plain(), ValueLayout.JAVA_BYTE, 0, batch.length);
        int packed = compressor.compress(buffers, batch.length);
        return buffers.packed().asSlice(0, packed).toArray(ValueLayout.JAVA_BYTE);
    }

    /** Unpacks {@code body}, and sees to it that no byte behind the batch was touched. */
    static byte[] unpack(Decompressor decompressor, BatchBuffers buffers, byte[] body, int plainBytes) {
        MemorySegment.copy(body, 0, buffers.packed(), ValueLayout.JAVA_BYTE, 0, body.length);
        MemorySegment behind = buffers.plain().asSlice(plainBytes, GUARD).fill(UNTOUCHED);
        try {
            decompressor.decompress(buffers, body.length, plainBytes);
        } catch (CorruptDataException e) {
            checkUntouched(behind);
            throw e;
        }
        checkUntouched(behind);
        return buffers.plain().asSlice(0, plainBytes).toArray(ValueLayout.JAVA_BYTE);
    }

    private static void checkUntouched(MemorySegment behind) {
        byte[] untouched = new byte[GUARD];
        Arrays.fill(untouched, UNTOUCHED);
        if (behind.mismatch(MemorySegment.ofArray(untouched)) >= 0) {
            throw new AssertionError("wrote behind the batch");
        }
    }
}
