package org.transhume.codec;

import java.lang.foreign.MemorySegment;
import net.jpountz.xxhash.XXHash64;
import net.jpountz.xxhash.XXHashFactory;

/** The hash by which sampled pages are compared: the lowest 32 bits of XXH64 with seed 1. Any thread; not for the way of a page. */
public final class SampleHash {
    private static final long SEED = 1;
    private static final XXHash64 XXH64 = XXHashFactory.fastestInstance().hash64();

    private SampleHash() {}

    /** Of {@code length} bytes of {@code memory} from {@code at} on. */
    public static int of(MemorySegment memory, long at, int length) {
        return (int) XXH64.hash(memory.asSlice(at, length).asByteBuffer(), 0, length, SEED);
    }
}
