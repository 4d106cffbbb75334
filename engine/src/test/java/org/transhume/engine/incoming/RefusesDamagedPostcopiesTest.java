package org.transhume.engine.incoming;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.transhume.channels.Address;
import org.transhume.channels.Connections;
import org.transhume.channels.Listener;
import org.transhume.channels.qemu.ReturnPathMessage;
import org.transhume.engine.MigrationObserver;
import org.transhume.engine.MigrationState;
import org.transhume.engine.NothingLeft;
import org.transhume.engine.guest.PassiveGuest;
import org.transhume.memory.RamBlock;

/**
 * A source that says in a postcopy what it must not: before the guest runs here all of it is refused, and afterwards nothing that
 * came is given up.
 */
@Timeout(120)
class RefusesDamagedPostcopiesTest {
    private static final Path CAPTURES = Path.of("../channels/src/test/resources/qemu");
    private static final String CUT = "postcopy-recover-10.0.2";
    private static final String PACKAGED = "0800070004";
    /** The cut took it off the last section. */
    private static final String FOOTER = "7e00000001";

    private static final int LIMIT_SECONDS = 20;
    private static final int MUTATIONS = 100;
    private static final HexFormat HEX = HexFormat.of();

    @RegisterExtension
    final NothingLeft nothingLeft = new NothingLeft();

    private final BlockingQueue<MigrationState> states = new LinkedBlockingQueue<>();
    private final PassiveGuest guest = new PassiveGuest();
    private IncomingMigration migration;
    private Address address;

    @AfterEach
    void end() throws Exception {
        migration.abort("the test is over");
        IncomingReport _ = migration.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);
        guest.close();
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({
        "RUN without a package,        08 0005 0000",
        "LISTEN without a package,     08 0004 0000",
        "RESUME of nothing,            08 0009 0000",
        "bitmap of what goes on,       08 000a 0007 06 70632e72616d",
        "package without LISTEN,       08 0007 0004 00000005 08 0005 0000",
        "package without RUN,          08 0007 0004 00000005 08 0004 0000",
        "package of nothing,           08 0007 0004 00000000",
        "package of 64 MiB and 1,      08 0007 0004 04000001",
        "package of 4 GiB,             08 0007 0004 ffffffff",
        "package in 3 bytes,           08 0007 0003 000000",
        "discard of an unknown block,  08 0006 0014 00 01 78 00 0000000000000000 0000000000001000",
        "discard of a version 1,       08 0006 0019 01 06 70632e72616d 00 0000000000000000 0000000000001000",
        "discard that is misaligned,   08 0006 0019 00 06 70632e72616d 00 0000000000000800 0000000000001000",
        "discard of half a page,       08 0006 0019 00 06 70632e72616d 00 0000000000000000 0000000000000800",
        "discard behind the block,     08 0006 0019 00 06 70632e72616d 00 0000000002000000 0000000000001000",
        "discard over the end,         08 0006 0019 00 06 70632e72616d 00 0000000000001000 0000000002000000",
        "discard around zero,          08 0006 0019 00 06 70632e72616d 00 fffffffffffff000 0000000000002000",
        "discard of half a range,      08 0006 0011 00 06 70632e72616d 00 0000000000000000",
        "a second ADVISE,              08 0003 0010 0000000000001000 0000000000001000",
    })
    void beforeTheGuestRunsItFailsAndTheSourceHearsIt(String what, String hex) throws Exception {
        byte[] stream = capture(CUT + "-1-forward");
        try (ScriptedSource source = source()) {
            source.send(Arrays.copyOf(stream, indexOf(stream, HEX.parseHex(PACKAGED))));
            source.send(bytes(hex));
            source.finish();

            List<ReturnPathMessage> said = source.answers();
            IncomingReport report = migration.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);
            assertEquals("failed", report.outcome(), what);
            assertTrue(report.reason().matches("main, offset \\d+.*"), report.reason());
            assertEquals(new ReturnPathMessage.Shut(1), said.getLast());
            assertFalse(said.contains(new ReturnPathMessage.Pong(3)), "the guest was started");
        }
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({
        "a delta,                    02 00000001 0000000000000040 06 70632e72616d 01 0002 0000",
        "a compressed page,          02 00000001 0000000000000100 06 70632e72616d 00000004 00000000",
        "a sync of page channels,    02 00000001 0000000000000200",
        "a block list,               02 00000001 0000000002000004 06 70632e72616d 0000000002000000",
        "a page of another block,    02 00000001 0000000000000002 01 78 00",
        "a page behind the block,    02 00000001 0000000002000002 06 70632e72616d 00",
        "a page without flags,       02 00000001 0000000000001000",
        "a section of another,       02 00000007 0000000000000010",
        "a second start,             01 00000001 03 72616d 00000000 00000004",
        "devices,                    04 00000003 03 72616d 00000000 00000004",
        "an end,                     00",
        "the end of RAM too soon,    03 00000001 0000000000000010 7e00000001 00",
        "a second package,           08 0007 0004 0000000a 08 0004 0000 08 0005 0000",
        "a discard,                  08 0006 0019 00 06 70632e72616d 00 0000000000000000 0000000000001000",
        "LISTEN,                     08 0004 0000",
        "RUN,                        08 0005 0000",
        "RESUME,                     08 0009 0000",
        "a question what came,       08 000a 0007 06 70632e72616d",
        "ADVISE,                     08 0003 0010 0000000000001000 0000000000001000",
        "nothing that there is,      ff ff ff ff",
    })
    void onceTheGuestRunsItWaitsForTheSourceToComeBack(String what, String hex) throws Exception {
        try (ScriptedSource source = source()) {
            source.send(begun()).send(bytes(hex));
            String reason = awaitPaused();
            assertTrue(reason.matches("main, offset \\d+.*|the source ended the stream, but \\d+ pages.*"), reason);
        }
        assertRecovers(what);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({
        "garbage,                  ffffffffffffffff",
        "a header,                 5145564d 00000003 07",
        "a page of another block,  0000000000000002 01 78 00",
        "a delta,                  0000000000000040 06 70632e72616d 01 0002 0000",
        "a page behind the block,  0000000002000002 06 70632e72616d 00",
        "half a page,              0000000000000002 06 70632e72616d",
    })
    void whatIsNoPageOnTheChannelOfPagesIsALossToo(String what, String hex) throws Exception {
        try (ScriptedSource source = source()) {
            source.send(begun()).send(bytes("08 0002 0004 00000063"));
            while (!source.answer().equals(new ReturnPathMessage.Pong(0x63))) {
                // until it has read all of that
            }
            try (ScriptedSource urgent = new ScriptedSource(address)) {
                urgent.send(bytes(hex));
            }
            assertTrue(awaitPaused().startsWith("preempt channel, offset "), what);
        }
        assertRecovers(what);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({
        "an unknown block,         08 000a 0002 01 78",
        "pages at once,            02 00000001 0000000000000010 7e00000001",
        "a header,                 5145564d 00000003 07 00000000",
        "a length of its own,      08 000a 0008 06 70632e72616d 00",
        "a ping in between,        08 0002 0004 00000001",
        "a package,                08 0007 0004 0000000a 08 0004 0000 08 0005 0000",
        "something short,          08",
        "nothing,                  ''",
    })
    void aConnectionThatIsNoRecoveryLeavesItWaiting(String what, String hex) throws Exception {
        try (ScriptedSource source = source()) {
            source.send(begun()).finish();
            assertNotNull(awaitPaused());
        }
        try (ScriptedSource stranger = new ScriptedSource(again())) {
            stranger.send(bytes(hex)).finish();
            List<ReturnPathMessage> _ = stranger.answers();
        }
        if (!(migration.state() instanceof MigrationState.PostcopyPaused)) {
            assertNotNull(awaitPaused());
        }
        assertRecovers(what);
    }

    @Test
    void whateverIsChangedItEndsOrWaitsAndIsNeverStarted() throws Exception {
        byte[] stream = capture(CUT + "-1-forward");
        int packaged = indexOf(stream, HEX.parseHex(PACKAGED));
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        for (int i = 0; i < MUTATIONS; i++) {
            byte[] changed = stream.clone();
            // The commands, the devices, and what follows.
            int at = packaged - 300 + random.nextInt(i % 2 == 0 ? 330 : stream.length - packaged);
            changed[Math.min(at, stream.length - 1)] ^= (byte) (1 << random.nextInt(8));
            String where = "seed %d, mutation %d at %d".formatted(seed, i, at);
            try (PassiveGuest other = new PassiveGuest()) {
                IncomingMigration in = start(other);
                try (ScriptedSource source = new ScriptedSource(address)) {
                    source.send(changed);
                    finish(source);
                    List<ReturnPathMessage> said = source.answers();
                    boolean ran = said.contains(new ReturnPathMessage.Pong(3));
                    assertTrue(
                            ran
                                    || said.getLast().equals(new ReturnPathMessage.Shut(1))
                                    || !in.completion().isDone(),
                            where);
                }
                in.abort("enough");
                assertEquals(
                        "failed",
                        in.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS).outcome(),
                        where);
            } catch (IOException e) {
                throw new AssertionError(where, e);
            }
        }
        migration = start(guest); // for the end
    }

    /** A destination that has refused the stream may have hung up already. */
    private static void finish(ScriptedSource source) {
        try {
            source.finish();
        } catch (IOException hungUp) {
            // What it said before is looked at all the same.
        }
    }

    private void assertRecovers(String what) throws Exception {
        try (ScriptedSource source = new ScriptedSource(again())) {
            source.send(capture(CUT + "-2-forward"));
            long[] pages = blocks().stream()
                    .mapToLong(fields -> Long.parseLong(fields.get(2)) / 4096)
                    .toArray();
            for (long count : pages) {
                assertTrue(source.answer() instanceof ReturnPathMessage.ReceivedBitmap, what);
                assertNotNull(source.bitmap(count));
            }
            assertEquals(
                    List.of(new ReturnPathMessage.ResumeAck(1), new ReturnPathMessage.Shut(0)), source.answers(), what);
        }
        IncomingReport report = migration.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);
        migration.endAnnouncements();
        assertEquals("completed", report.outcome(), report.reason());
        for (int i = 0; i < blocks().size(); i++) {
            RamBlock block = guest.memory().blocks().get(i);
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            digest.update(block.segment().asByteBuffer());
            assertEquals(blocks().get(i).get(3), HEX.formatHex(digest.digest()), what + ", " + block.name());
        }
    }

    /** Up to the cut, the last section with its footer. */
    private static byte[] begun() throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        all.writeBytes(capture(CUT + "-1-forward"));
        all.writeBytes(bytes(FOOTER));
        return all.toByteArray();
    }

    private ScriptedSource source() throws IOException {
        migration = start(guest);
        return new ScriptedSource(address);
    }

    private IncomingMigration start(PassiveGuest to) throws IOException {
        Listener listener = Connections.listen(new Address.Tcp("127.0.0.1", 0));
        address = listener.address();
        IncomingConfig config = IncomingConfig.DEFAULT.withPostcopy(new PostcopyArrival(true, true, false, null));
        MigrationObserver observer = new MigrationObserver() {
            @Override
            public void state(MigrationState state) {
                states.add(state);
            }
        };
        return IncomingMigration.start(to, listener, config, observer, "in");
    }

    private Address again() throws IOException {
        Listener listener = Connections.listen(new Address.Tcp("127.0.0.1", 0));
        assertTrue(migration.recover(listener));
        return listener.address();
    }

    private String awaitPaused() throws InterruptedException {
        return ((MigrationState.PostcopyPaused) await(MigrationState.PostcopyPaused.class)).reason();
    }

    private MigrationState await(Class<? extends MigrationState> kind) throws InterruptedException {
        MigrationState next = null;
        while (!kind.isInstance(next)) {
            next = states.poll(LIMIT_SECONDS, TimeUnit.SECONDS);
            assertNotNull(next, "no " + kind.getSimpleName());
            assertFalse(next.ended(), next.toString());
        }
        return next;
    }

    private static byte[] bytes(String hex) {
        return HEX.parseHex(hex.replace(" ", ""));
    }

    private static int indexOf(byte[] bytes, byte[] what) {
        for (int at = 0; at <= bytes.length - what.length; at++) {
            if (Arrays.equals(bytes, at, at + what.length, what, 0, what.length)) {
                return at;
            }
        }
        throw new AssertionError(HEX.formatHex(what) + " is nowhere");
    }

    private static byte[] capture(String name) throws IOException {
        try (InputStream in = new GZIPInputStream(Files.newInputStream(CAPTURES.resolve(name + ".bin.gz")))) {
            return in.readAllBytes();
        }
    }

    /** Capture, name, size and digest of each. */
    private static List<List<String>> blocks() throws IOException {
        return Files.readAllLines(CAPTURES.resolve("postcopy-blocks.tsv"), StandardCharsets.UTF_8).stream()
                .map(line -> Arrays.asList(line.split("\t", -1)))
                .filter(fields -> fields.get(0).equals(CUT))
                .toList();
    }
}
