package org.transhume.codec.fuzz;

import com.code_intelligence.jazzer.junit.FuzzTest;
import org.transhume.codec.compression.ZstdStreamDecompressor;

class ZstdStreamFuzz {
    private static final HostilePackets PACKETS = new HostilePackets(ZstdStreamDecompressor::new);

    @FuzzTest(maxExecutions = 20_000)
    void refusesOrDecodesExactly(byte[] input) {
        PACKETS.feed(input);
    }
}
