package org.transhume.codec.fuzz;

import com.code_intelligence.jazzer.junit.FuzzTest;
import org.transhume.codec.compression.ZlibStreamDecompressor;

class ZlibStreamFuzz {
    private static final HostilePackets PACKETS = new HostilePackets(ZlibStreamDecompressor::new);

    @FuzzTest(maxExecutions = 20_000)
    void refusesOrDecodesExactly(byte[] input) {
        PACKETS.feed(input);
    }
}
