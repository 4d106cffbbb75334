package org.transhume.engine;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.transhume.engine.guest.SyntheticGuest;
import org.transhume.engine.incoming.IncomingConfig;
import org.transhume.engine.incoming.IncomingReport;
import org.transhume.engine.outgoing.Compression;
import org.transhume.engine.outgoing.Dialer;
import org.transhume.engine.outgoing.OutgoingConfig;
import org.transhume.engine.outgoing.OutgoingMigration;
import org.transhume.engine.outgoing.OutgoingReport;
import org.transhume.engine.outgoing.ZeroPageDetection;
import org.transhume.memory.PageSize;

/** Whole migrations that change the form of their pages on the way: the same bytes arrive, whatever was chosen. */
class MovesAdaptivelyTest {
    private static final long RAM = 32 * Guests.MIB;
    private static final String MACHINE = "transhume-1.0";
    private static final int PASSES = 6;
    private static final int LIMIT_SECONDS = 30;
    private static final long SLOW = 15_000_000;

    @RegisterExtension
    final NothingLeft nothingLeft = new NothingLeft();

    @ParameterizedTest
    @CsvSource({
        // channels, cap, whether the cap comes and goes, bytes of the delta cache, who looks for zeroes, dirty source
        "2, 15000000, false, 33554432, MULTIFD, marks",
        "2, 15000000, true,  33554432, LEGACY,  uffd-wp",
        "1, 15000000, true,  65536,    NONE,    marks",
        "2, 15000000, false, 0,        MULTIFD, uffd-wp",
        "3, 0,        true,  1048576,  MULTIFD, marks",
        "2, 0,        false, 33554432, LEGACY,  uffd-wp",
    })
    void theSameBytesArriveInWhateverForm(
            int channels, long cap, boolean changes, long cache, ZeroPageDetection detection, String dirtySource)
            throws Exception {
        OutgoingConfig config = OutgoingConfig.builder()
                .channels(channels)
                .compression(new Compression.Adaptive())
                .deltaCache(cache)
                .maxBandwidth(cap)
                .zeroPages(detection)
                .downtimeLimit(Rewrites.NO_PAUSE)
                .returnPath(true)
                .build();
        IncomingConfig incoming = IncomingConfig.DEFAULT.withChannels(channels).withShared(Set.of(Extensions.ADAPTIVE));
        try (SyntheticGuest source = Guests.source(MACHINE, RAM, dirtySource, "hot:rate=5000,hot=1M");
                Arrival arrival = Arrival.of(Guests.empty(MACHINE, RAM, true), "unix", incoming)) {
            fillWithWords(Guests.ram(source).asSlice(0, RAM / 2));
            Rewrites rewrites = new Rewrites(source, PASSES, cache) {
                @Override
                public void pass(int number) {
                    super.pass(number);
                    if (changes) {
                        migration.join().maxBandwidth(number % 2 == 0 ? SLOW : 0);
                    }
                }
            };
            source.resume();

            OutgoingMigration migration =
                    OutgoingMigration.start(source, Dialer.to(arrival.address), config, rewrites, "out");
            rewrites.migration.complete(migration);
            OutgoingReport out = migration.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);
            IncomingReport in = arrival.await();

            assertEquals("completed", out.outcome(), out.reason());
            assertEquals("completed", in.outcome(), in.reason());
            Guests.assertSameRam(source, arrival.guest, out.toString());
            OutgoingReport.Adaptive forms = out.adaptive();
            assertAll(
                    () -> assertEquals(
                            out.normalPages(), forms.rawPages() + forms.lz4Pages() + forms.zstdPages(), out::toString),
                    () -> assertEquals(out.transferredBytes(), in.mainBytes() + in.multifdBytes(), "bytes"));
            if (cap > 0 && !changes) {
                long packed = forms.lz4Pages() + forms.zstdPages();
                assertTrue(packed > forms.rawPages(), "text over a slow link is compressed: " + out);
                assertTrue(out.transferredBytes() < out.normalPages() * PageSize.BYTES / 2, out::toString);
            }
        }
    }

    /** Text enough that compressing it pays, and not so regular that it vanishes. */
    private static void fillWithWords(MemorySegment ram) {
        Random random = new Random(1);
        for (long at = 0; at < ram.byteSize(); at += Integer.BYTES) {
            ram.set(ValueLayout.JAVA_INT, at, "the guest's RAM, ".charAt(random.nextInt(16)) * 0x01010101);
        }
    }
}
