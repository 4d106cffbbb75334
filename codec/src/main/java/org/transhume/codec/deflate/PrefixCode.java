package org.transhume.codec.deflate;

import java.util.Arrays;

/** A canonical prefix code (RFC 1951, section 3.2.2) made for counted symbols, none longer than a limit. Made anew for each block. */
final class PrefixCode {
    private static final int[] GAPS = {132, 57, 23, 10, 4, 1};

    final int symbols;
    final int[] counts;
    final byte[] lengths; // bits; 0: does not occur
    final int[] words; // code, first bit lowest, << 8 | bits

    private final int limit;
    private final long[] sorted; // count << 16 | symbol
    private final int[] tree; // counts, then parents, then depths
    private final int[] ofLength;

    PrefixCode(int symbols, int limit) {
        this.symbols = symbols;
        this.limit = limit;
        counts = new int[symbols];
        lengths = new byte[symbols];
        words = new int[symbols];
        sorted = new long[symbols];
        tree = new int[symbols];
        ofLength = new int[limit + 1];
    }

    /** From {@link #counts}. It has two symbols at least, so that it is complete, as some readers want it. */
    void build() {
        int used = sort();
        depths(used);
        shorten(used);
        number();
    }

    /** Bits that the symbols take that {@code counted} has counted. */
    long bits(PrefixCode counted) {
        long bits = 0;
        for (int i = 0; i < counted.symbols; i++) {
            bits += (long) counted.counts[i] * lengths[i];
        }
        return bits;
    }

    /** One behind the last symbol that occurs. */
    int end(int least) {
        int end = symbols;
        while (end > least && lengths[end - 1] == 0) {
            end--;
        }
        return end;
    }

    /** Numbers the codes of {@link #lengths} that were set by hand. */
    void number() {
        Arrays.fill(ofLength, 0);
        for (byte length : lengths) {
            ofLength[length]++;
        }
        ofLength[0] = 0;
        int[] next = tree; // free by now
        int code = 0;
        for (int bits = 1; bits <= limit; bits++) {
            code = (code + ofLength[bits - 1]) << 1;
            next[bits] = code;
        }
        for (int i = 0; i < symbols; i++) {
            int length = lengths[i];
            if (length != 0) {
                words[i] = Integer.reverse(next[length]++) >>> (Integer.SIZE - length) << 8 | length;
            }
        }
    }

    private int sort() {
        int used = 0;
        for (int i = 0; i < symbols; i++) {
            lengths[i] = 0;
            if (counts[i] > 0) {
                sorted[used++] = (long) counts[i] << 16 | i;
            }
        }
        for (int i = 0; used < 2; i++) {
            if (counts[i] == 0) {
                sorted[used++] = i;
            }
        }
        for (int gap : GAPS) {
            sort(used, gap);
        }
        return used;
    }

    /** Shell's, as the JDK's allocates. */
    private void sort(int used, int gap) {
        for (int i = gap; i < used; i++) {
            long moved = sorted[i];
            int at = i;
            for (; at >= gap && sorted[at - gap] > moved; at -= gap) {
                sorted[at] = sorted[at - gap];
            }
            sorted[at] = moved;
        }
    }

    /** Huffman's tree in place (Moffat and Katajainen): afterwards {@link #tree} has depths, the deepest first. */
    private void depths(int used) {
        for (int i = 0; i < used; i++) {
            tree[i] = Math.max(1, (int) (sorted[i] >>> 16));
        }
        int leaf = 0;
        int root = 0;
        for (int next = 0; next < used - 1; next++) {
            int sum = 0;
            for (int side = 0; side < 2; side++) {
                if (leaf >= used || (root < next && tree[root] < tree[leaf])) {
                    sum += tree[root];
                    tree[root++] = next;
                } else {
                    sum += tree[leaf++];
                }
            }
            tree[next] = sum;
        }
        tree[used - 2] = 0;
        for (int next = used - 3; next >= 0; next--) {
            tree[next] = tree[tree[next]] + 1;
        }
        int free = 1;
        int depth = 0;
        int node = used - 2;
        int at = used - 1;
        while (free > 0) {
            int inner = 0;
            while (node >= 0 && tree[node] == depth) {
                inner++;
                node--;
            }
            for (; free > inner; free--) {
                tree[at--] = depth;
            }
            free = 2 * inner;
            depth++;
        }
    }

    /** What is deeper than the limit comes up to it, and others go down until there is room for all. */
    private void shorten(int used) {
        Arrays.fill(ofLength, 0);
        for (int i = 0; i < used; i++) {
            ofLength[Math.min(tree[i], limit)]++;
        }
        long room = 1L << limit;
        long taken = 0;
        for (int bits = 1; bits <= limit; bits++) {
            taken += (long) ofLength[bits] << (limit - bits);
        }
        while (taken > room) {
            int bits = limit - 1;
            while (ofLength[bits] == 0) {
                bits--;
            }
            ofLength[bits]--;
            ofLength[bits + 1] += 2;
            ofLength[limit]--;
            taken--;
        }
        int at = 0;
        for (int bits = limit; bits > 0; bits--) {
            for (int i = ofLength[bits]; i > 0; i--) {
                lengths[(int) (sorted[at++] & 0xffff)] = (byte) bits;
            }
        }
    }
}
