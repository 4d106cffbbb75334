package org.transhume.codec.fuzz;

import com.code_intelligence.jazzer.junit.FuzzTest;
import org.transhume.codec.compression.Lz4Decompressor;

class Lz4Fuzz {
    private static final HostilePackets PACKETS = new HostilePackets(Lz4Decompressor::new);

    @FuzzTest(maxExecutions = 20_000)
    void refusesOrDecodesExactly(byte[] input) {
        PACKETS.feed(input);
    }
}
