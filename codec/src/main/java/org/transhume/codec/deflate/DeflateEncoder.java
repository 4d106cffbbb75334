package org.transhume.codec.deflate;

import java.lang.foreign.MemorySegment;

/**
 * Writes a deflate stream (RFC 1951) that never ends, batch by batch, each with a sync flush behind it. Later batches refer to
 * earlier ones. One thread at a time; nothing is allocated per batch.
 *
 * <p>Heap: 0.6 MiB.
 */
public final class DeflateEncoder {
    private static final int PIECE = 1 << 17; // shares a code, if it has not too many matches
    private static final int SPARE = Long.BYTES;

    private final byte[] window = new byte[Repeats.HISTORY + PIECE + SPARE];
    private final MemorySegment windowSegment = MemorySegment.ofArray(window);
    private final BitOutput out = new BitOutput(worstCase(PIECE));
    private final Repeats repeats = new Repeats();
    private final Block block = new Block();
    private int history; // bytes in front of what comes next

    /** Bytes that {@code plain} bytes take at most, with the flush behind them: what does not pack is stored. */
    public static int worstCase(int plain) {
        // Neither a block nor what is stored in one piece is smaller than this, but for the last of a piece.
        int smallest = 1 << 15;
        return plain + Block.STORED_COST * (plain / smallest + 3);
    }

    /**
     * Packs {@code bytes} of {@code plain}.
     *
     * @param bytes 0 and up
     * @param packed has room for {@link #worstCase} from {@code at} on
     * @return packed bytes
     */
    public int encode(MemorySegment plain, int bytes, MemorySegment packed, int at) {
        int packedBytes = 0;
        for (int from = 0; from < bytes; from += PIECE) {
            int piece = Math.min(bytes - from, PIECE);
            MemorySegment.copy(plain, from, windowSegment, history, piece);
            encode(history, history + piece);
            packedBytes += out.drain(packed, at + packedBytes);
            keep(history + piece);
        }
        Block.store(window, 0, 0, out); // that is the flush
        return packedBytes + out.drain(packed, at + packedBytes);
    }

    private void encode(int begin, int end) {
        for (int from = begin; from < end; ) {
            block.clear();
            int to = repeats.find(window, from, end, block.literals.counts, block.distances.counts);
            block.write(window, from, to, repeats, out);
            from = to;
        }
    }

    /** The last of what was packed stays in front of what comes. */
    private void keep(int end) {
        int kept = Math.min(end, Repeats.HISTORY);
        System.arraycopy(window, end - kept, window, 0, kept);
        repeats.shift(end - kept);
        history = kept;
    }
}
