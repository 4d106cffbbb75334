package org.transhume.codec.fuzz;

import com.code_intelligence.jazzer.api.Jazzer;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.transhume.codec.CorruptDataException;
import org.transhume.codec.compression.BatchBuffers;
import org.transhume.codec.compression.Decompressor;

/**
 * Feeds a channel with what a fuzzer made up:
 * <pre>
 *   | pages − 1, u8, modulo 8 | packed bytes, be16, at most what is left | packed bytes | and so on
 * </pre>
 * Whatever it is, each packet is refused or gives its pages, all of them and nothing else; and does the same when the very
 * same bytes come again, whatever lay in the buffers before.
 */
final class HostilePackets {
    private static final int PAGE = 4096;
    private static final int LARGEST = 8 * PAGE;
    private static final int GUARD = 128;

    private final Supplier<Decompressor> decoder;
    private final BatchBuffers once = new BatchBuffers(LARGEST + GUARD, 1 << 16);
    private final BatchBuffers again = new BatchBuffers(LARGEST + GUARD, 1 << 16);

    HostilePackets(Supplier<Decompressor> decoder) {
        this.decoder = decoder;
    }

    void feed(byte[] input) {
        long start = System.nanoTime();
        unpack(input);
        if (System.nanoTime() - start > TimeUnit.SECONDS.toNanos(30)) {
            throw new AssertionError("took more than 30 s, some milliseconds were expected");
        }
    }

    private void unpack(byte[] input) {
        ByteBuffer packets = ByteBuffer.wrap(input);
        try (Decompressor first = decoder.get();
                Decompressor second = decoder.get()) {
            while (packets.remaining() >= 3) {
                int plainBytes = ((packets.get() & 7) + 1) * PAGE;
                int packedBytes = Math.min(packets.getShort() & 0xffff, packets.remaining());
                boolean taken = taken(first, once, input, packets.position(), packedBytes, plainBytes, (byte) 0x00);
                boolean takenAgain =
                        taken(second, again, input, packets.position(), packedBytes, plainBytes, (byte) 0xff);
                if (taken != takenAgain) {
                    throw new AssertionError("taken once, refused another time");
                }
                if (!taken) {
                    return;
                }
                long other = MemorySegment.mismatch(once.plain(), 0, plainBytes, again.plain(), 0, plainBytes);
                if (other >= 0) {
                    throw new AssertionError("byte %d was never written, or by chance".formatted(other));
                }
                Jazzer.exploreState(sample(once.plain(), plainBytes), -plainBytes);
                packets.position(packets.position() + packedBytes);
            }
        }
    }

    /** Another number for most other batches. */
    private static byte sample(MemorySegment plain, int plainBytes) {
        int sample = 0;
        for (int i = 0; i < plainBytes; i += 61) {
            sample = 31 * sample + plain.get(ValueLayout.JAVA_BYTE, i);
        }
        return (byte) (sample >>> 24 ^ sample >>> 16 ^ sample >>> 8 ^ sample);
    }

    private static boolean taken(
            Decompressor decoder,
            BatchBuffers buffers,
            byte[] input,
            int at,
            int packedBytes,
            int plainBytes,
            byte before) {
        MemorySegment.copy(input, at, buffers.packed(), ValueLayout.JAVA_BYTE, 0, packedBytes);
        MemorySegment plain = buffers.plain().asSlice(0, plainBytes + GUARD).fill(before);
        boolean taken;
        try {
            decoder.decompress(buffers, packedBytes, plainBytes);
            taken = true;
        } catch (CorruptDataException refused) {
            // Native code shows the fuzzer no branches: what it said and where it stopped must do.
            Jazzer.exploreState((byte) refused.getMessage().hashCode(), plainBytes);
            taken = false;
        }
        for (int i = plainBytes; i < plain.byteSize(); i += Long.BYTES) {
            if (plain.get(ValueLayout.JAVA_LONG, i) != (before & 0xffL) * 0x0101010101010101L) {
                throw new AssertionError("wrote behind the last page");
            }
        }
        return taken;
    }
}
