package org.transhume.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.transhume.channels.Connection;
import org.transhume.channels.Connections;
import org.transhume.channels.qemu.BlockEntry;
import org.transhume.channels.qemu.MainStreamWriter;
import org.transhume.channels.qemu.MultifdHello;
import org.transhume.channels.qemu.SectionKind;
import org.transhume.channels.qemu.StreamHeader;
import org.transhume.channels.qemu.StreamWriter;
import org.transhume.engine.guest.SyntheticGuest;
import org.transhume.engine.incoming.IncomingConfig;
import org.transhume.engine.incoming.IncomingReport;
import org.transhume.engine.outgoing.Dialer;
import org.transhume.engine.outgoing.OutgoingConfig;
import org.transhume.engine.outgoing.OutgoingMigration;
import org.transhume.engine.outgoing.OutgoingReport;

/** Peers that neither go on nor hang up. */
@Timeout(60)
@ExtendWith(NothingLeft.class)
class StallsTest {
    private static final Duration SHORT = Duration.ofMillis(200);
    private static final int LIMIT_SECONDS = 20;
    /** More than sockets hold by themselves. */
    private static final long LARGE = 64 * Guests.MIB;

    private static final long SMALL = 1 * Guests.MIB;

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 3})
    void aSourceGivesUpOnADestinationThatReadsNothingAndItsGuestRunsOn(int channels) throws Exception {
        try (SyntheticGuest guest = Guests.source(SyntheticGuest.MACHINE, LARGE, "marks", "uniform:rate=100");
                SilentPeer peer = new SilentPeer(false)) {
            guest.resume();

            OutgoingReport report = leave(
                    guest,
                    Dialer.to(peer.address()),
                    OutgoingConfig.builder().channels(channels).stallLimit(SHORT));

            assertEquals("failed", report.outcome());
            assertMatches(
                    "sending pages: (main|multifd channel [012]): tcp:127.0.0.1:\\d+ took no byte for 0\\.\\d s after \\d+ bytes; .*",
                    report.reason());
            assertEquals(channels > 0, report.reason().endsWith("set multifd-channels alike on both sides"));
            Guests.assertRunsOn(guest, "after the stall");
        }
    }

    @Test
    void aSourceWithChannelsDoesNotBeginBeforeTheDestinationAnswers() throws Exception {
        try (SyntheticGuest guest = Guests.source(SyntheticGuest.MACHINE, SMALL, "marks", "uniform:rate=100");
                SilentPeer peer = new SilentPeer(true)) {
            guest.resume();

            OutgoingReport report = leave(
                    guest,
                    Dialer.to(peer.address()),
                    OutgoingConfig.builder().channels(2).returnPath(true).stallLimit(SHORT));

            assertEquals("failed", report.outcome());
            assertMatches(
                    ".*the destination did not answer within 0\\.2 s after 2 multifd channels connected: .*; set multifd-channels alike on both sides",
                    report.reason());
            Guests.assertRunsOn(guest, "after the silence");
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void tooFewChannelsEndBothSidesWithAWordOfWhatToDo(boolean returnPath) throws Exception {
        IncomingConfig four = IncomingConfig.DEFAULT.withChannels(4).withChannelLimit(SHORT);
        try (SyntheticGuest guest = Guests.source(SyntheticGuest.MACHINE, LARGE, "marks", "uniform:rate=100");
                Arrival arrival = Arrival.of(Guests.empty(SyntheticGuest.MACHINE, LARGE, true), "tcp", four)) {
            guest.resume();

            OutgoingReport out = leave(
                    guest,
                    Dialer.to(arrival.address),
                    OutgoingConfig.builder().channels(2).returnPath(returnPath));
            IncomingReport in = arrival.await();

            assertEquals("failed", out.outcome());
            assertEquals("failed", in.outcome());
            assertMatches(
                    "[012] of 4 multifd channels connected .*: set multifd-channels alike on both sides", in.reason());
            assertMatches(".*set multifd-channels alike on both sides", out.reason());
            Guests.assertRunsOn(guest, "after the mismatch");
        }
    }

    @Test
    void aDestinationWaitsOnlySoLongForTheRestOfAPage() throws Exception {
        IncomingConfig config = IncomingConfig.DEFAULT.withStallLimit(SHORT);
        try (Arrival arrival = Arrival.of(Guests.empty(SyntheticGuest.MACHINE, SMALL, true), "tcp", config);
                Connection connection = Connections.connect(arrival.address, Duration.ofSeconds(10));
                StreamWriter stream = new StreamWriter(connection)) {
            begin(stream);
            stream.be64(0x08).str8(SyntheticGuest.BLOCK);
            stream.bytes(new byte[1000]); // of 4096
            stream.flush();

            IncomingReport report = arrival.await();

            assertEquals("failed", report.outcome());
            assertMatches(
                    "main: .* sent nothing for 0\\.\\d s after %d bytes; .*".formatted(connection.bytesWritten()),
                    report.reason());
        }
    }

    @Test
    void aDestinationWaitsForAnotherRoundAsLongAsItIsTold() throws Exception {
        IncomingConfig config = IncomingConfig.DEFAULT.withSilenceLimit(SHORT);
        try (Arrival arrival = Arrival.of(Guests.empty(SyntheticGuest.MACHINE, SMALL, true), "tcp", config);
                Connection connection = Connections.connect(arrival.address, Duration.ofSeconds(10));
                StreamWriter stream = new StreamWriter(connection)) {
            begin(stream);
            stream.flush();

            IncomingReport report = arrival.await();

            assertEquals("failed", report.outcome());
            assertMatches("main: .* sent nothing for 0\\.\\d s after \\d+ bytes; .*", report.reason());
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {20, 64 + 700})
    void aDestinationWaitsOnlySoLongForTheRestOfAPacket(int bytes) throws Exception {
        IncomingConfig config = IncomingConfig.DEFAULT.withChannels(1).withStallLimit(SHORT);
        try (Arrival arrival = Arrival.of(Guests.empty(SyntheticGuest.MACHINE, SMALL, true), "tcp", config);
                Connection main = Connections.connect(arrival.address, Duration.ofSeconds(10));
                Connection channel = Connections.connect(arrival.address, Duration.ofSeconds(10));
                StreamWriter stream = new StreamWriter(main);
                Arena arena = Arena.ofConfined()) {
            begin(stream);
            stream.flush();
            MemorySegment whole = arena.allocate(4096);
            Recording.Kept hello = new Recording.Kept();
            try (StreamWriter out = new StreamWriter(hello)) {
                new MultifdHello(0, null).write(out);
            }
            MemorySegment.copy(MemorySegment.ofArray(hello.bytes()), 0, whole, 0, MultifdHello.BYTES);

            channel.write(whole, 0, bytes);
            IncomingReport report = arrival.await();

            assertEquals("failed", report.outcome());
            assertMatches(
                    "multifd channel.*: .* sent nothing for 0\\.\\d s after %d bytes; .*".formatted(bytes),
                    report.reason());
        }
    }

    /** Header and block list. */
    @SuppressWarnings("MustBeClosedChecker")
    private static void begin(StreamWriter stream) throws Exception {
        MainStreamWriter out = new MainStreamWriter(stream, 1); // the writer is the caller's
        out.header(new StreamHeader(SyntheticGuest.MACHINE));
        out.section(SectionKind.START);
        out.blocks(List.of(new BlockEntry(SyntheticGuest.BLOCK, SMALL)), false);
        out.endOfSection();
        out.section(SectionKind.PART);
    }

    private static OutgoingReport leave(SyntheticGuest guest, Dialer dialer, OutgoingConfig.Builder config)
            throws Exception {
        return OutgoingMigration.start(guest, dialer, config.build(), new MigrationObserver() {}, "out")
                .completion()
                .get(LIMIT_SECONDS, TimeUnit.SECONDS);
    }

    private static void assertMatches(String pattern, String text) {
        assertTrue(Pattern.matches(pattern, text), text);
    }
}
