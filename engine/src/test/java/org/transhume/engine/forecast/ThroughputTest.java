package org.transhume.engine.forecast;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class ThroughputTest {
    private static final long MILLI = 1_000_000;

    @Test
    void isUnknownUntilPagesWithContentWentOut() {
        Throughput throughput = new Throughput();

        throughput.sent(0, 500, 500, MILLI);

        assertEquals(0, throughput.pagesPerSecond());
        assertEquals(0, throughput.bytesPerPage());
    }

    @Test
    void bytesThatOnlyFillTheQueueAreNotYetSent() {
        Throughput throughput = new Throughput();

        throughput.sent(128, 128 * 4096, 32 * 4096, MILLI);

        assertEquals(32_000, throughput.pagesPerSecond(), 1e-6);
        assertEquals(32_000 * 4096.0, throughput.bytesPerSecond(), 1e-3);
        assertEquals(4096, throughput.bytesPerPage(), 1e-6);
    }

    @Test
    void pagesThatTravelSmallerGoFasterThanTheirBytes() {
        Throughput throughput = new Throughput();

        throughput.sent(128, 128 * 1024, 128 * 1024, MILLI);

        assertEquals(128_000, throughput.pagesPerSecond(), 1e-6);
        assertEquals(1024, throughput.bytesPerPage(), 1e-6);
    }

    @Test
    void forgetsHowFastThePathWas() {
        Throughput throughput = new Throughput();
        for (int i = 0; i < 100; i++) {
            throughput.sent(1000, 4_096_000, 4_096_000, 10 * MILLI);
        }

        for (int i = 0; i < 100; i++) {
            throughput.sent(100, 409_600, 409_600, 10 * MILLI);
        }

        assertEquals(10_000, throughput.pagesPerSecond(), 1);
    }
}
