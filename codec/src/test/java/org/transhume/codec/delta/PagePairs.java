package org.transhume.codec.delta;

import java.util.Random;

/** Pages before and after a guest wrote to them. */
final class PagePairs {
    private PagePairs() {}

    /** A page of random bytes, or of few different ones, where runs end by chance. */
    static byte[] page(Random random) {
        byte[] page = new byte[Page.BYTES];
        random.nextBytes(page);
        int mask = random.nextBoolean() ? 0xff : 1;
        for (int i = 0; i < page.length; i++) {
            page[i] &= (byte) mask;
        }
        return page;
    }

    /** The page after some writes: scattered bytes, clusters, its edges, or nearly all of it. */
    static byte[] changed(byte[] old, Random random) {
        byte[] page = old.clone();
        int writes = random.nextInt(4) == 0 ? random.nextInt(3000) : random.nextInt(60);
        int longest = new int[] {1, 2, 9, 40, 140, 600}[random.nextInt(6)];
        for (int i = 0; i < writes; i++) {
            int length = 1 + random.nextInt(longest);
            int start = random.nextInt(page.length + length) - length;
            for (int at = Math.max(0, start); at < Math.min(page.length, start + length); at++) {
                page[at] = random.nextInt(8) == 0 ? (byte) random.nextInt(2) : (byte) random.nextInt();
            }
        }
        return page;
    }
}
