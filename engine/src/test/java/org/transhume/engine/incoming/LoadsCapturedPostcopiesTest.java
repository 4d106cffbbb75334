package org.transhume.engine.incoming;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.transhume.channels.Address;
import org.transhume.channels.Connections;
import org.transhume.channels.Listener;
import org.transhume.channels.qemu.ReturnPathMessage;
import org.transhume.engine.MigrationObserver;
import org.transhume.engine.MigrationState;
import org.transhume.engine.NothingLeft;
import org.transhume.engine.guest.PassiveGuest;
import org.transhume.memory.RamBlock;

/** What a QEMU 10.0.2 sent in postcopy, as if it were sent to us. */
@Timeout(60)
class LoadsCapturedPostcopiesTest {
    /** The captures of the module that reads them. */
    private static final Path CAPTURES = Path.of("../channels/src/test/resources/qemu");

    private static final int PAGE = 4096;
    private static final int LIMIT_SECONDS = 20;
    private static final int TOUCHES = 5000;
    private static final long SEED = 1;
    private static final HexFormat HEX = HexFormat.of();

    @RegisterExtension
    final NothingLeft nothingLeft = new NothingLeft();

    private final BlockingQueue<MigrationState> states = new LinkedBlockingQueue<>();
    private PassiveGuest guest;
    private IncomingMigration migration;
    private Address address;

    @Test
    void everyBlockEndsWithTheBytesOfItsSourceAndTheSourceHearsWhatItAskedFor() throws Exception {
        try (ScriptedSource source = source(new PassiveGuest())) {
            source.send(capture("postcopy-10.0.2"));
            List<ReturnPathMessage> said = source.answers();

            assertCompleted("postcopy-10.0.2");
            assertEquals(new ReturnPathMessage.Pong(1), said.getFirst());
            assertEquals(pongs(1, 2, 3, 4), Set.copyOf(said.subList(0, 4)));
            assertTrue(said.indexOf(new ReturnPathMessage.Pong(2)) == 1, said::toString);
            assertEquals(List.of(new ReturnPathMessage.Shut(0)), said.subList(4, said.size()));
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void pagesThatAreReadAreAskedForOnceAndComeOnWhateverChannel(boolean preempt) throws Exception {
        String name = preempt ? "postcopy-preempt-10.0.2" : "postcopy-10.0.2";
        byte[] stream = capture(preempt ? name + "-forward" : name);
        int behind = behindThePackage(stream);
        try (ScriptedSource source = source(PassiveGuest.touching(TOUCHES, SEED))) {
            source.send(Arrays.copyOf(stream, behind));
            await(MigrationState.PostcopyActive.class);
            Requests requests = new Requests();
            List<ReturnPathMessage> others = new ArrayList<>();
            while (requests.pages.size() < 2) { // as many as read
                ReturnPathMessage said = source.answer();
                if (!requests.take(said)) {
                    others.add(said);
                }
            }
            source.send(Arrays.copyOfRange(stream, behind, stream.length - 1));
            if (preempt) {
                try (ScriptedSource urgent = new ScriptedSource(address)) {
                    urgent.send(capture(name + "-preempt")).finish();
                }
            }
            source.send(Arrays.copyOfRange(stream, stream.length - 1, stream.length));
            source.answers().stream().filter(said -> !requests.take(said)).forEach(others::add);

            assertCompleted(name);
            assertEquals(new ReturnPathMessage.Shut(0), others.removeLast());
            assertEquals(pongs(1, 2, 3, 4), Set.copyOf(others));
            assertEquals(4, others.size());
            assertTrue(guest.pagesTouched() >= 2);
        }
    }

    @Test
    void whatWasCutGoesOnBehindTheSameBitmapsThatAQemuSends() throws Exception {
        String name = "postcopy-recover-10.0.2";
        byte[] resumed = capture(name + "-2-forward");
        int handshake = indexOf(resumed, HEX.parseHex("0800090000")) + 5;
        byte[] theirs = capture(name + "-2-return");
        int acknowledged = indexOf(theirs, HEX.parseHex("0006000400000001"));
        Requests before = new Requests();
        try (ScriptedSource source = source(PassiveGuest.touching(TOUCHES, SEED))) {
            source.send(capture(name + "-1-forward"));
            while (before.pages.size() < 2 || before.others.size() < 4) {
                boolean _ = before.take(source.answer());
            }
            source.finish(); // all that was sent is read before the cut is seen
            await(MigrationState.PostcopyPaused.class);
        }
        assertEquals(pongs(1, 2, 3, 4), Set.copyOf(before.others));

        try (ScriptedSource source = new ScriptedSource(again())) {
            source.send(Arrays.copyOf(resumed, handshake));
            Map<String, BitSet> came = new LinkedHashMap<>();
            for (Block block : blocks(name)) {
                assertEquals(new ReturnPathMessage.ReceivedBitmap(block.name), source.answer());
                came.put(block.name, source.bitmap(block.size / PAGE));
            }
            assertEquals(bitmaps(theirs, acknowledged, name), came);
            assertEquals(new ReturnPathMessage.ResumeAck(1), source.answer());
            List<Asked> unanswered = before.pages.stream()
                    .filter(asked -> !came.get(asked.block).get((int) (asked.offset / PAGE)))
                    .toList();
            Requests repeated = new Requests();
            while (!repeated.pages.containsAll(unanswered)) {
                assertTrue(repeated.take(source.answer()));
            }
            for (Asked asked : repeated.pages) {
                assertFalse(came.get(asked.block).get((int) (asked.offset / PAGE)), asked + " came before");
            }
            source.send(Arrays.copyOfRange(resumed, handshake, resumed.length));
            List<ReturnPathMessage> last = source.answers();
            assertEquals(new ReturnPathMessage.Shut(0), last.getLast());
        }
        assertCompleted(name);
    }

    /** What was asked for, each page once. */
    private static final class Requests {
        final List<Asked> pages = new ArrayList<>();
        final List<ReturnPathMessage> others = new ArrayList<>();
        private final Set<Asked> once = new LinkedHashSet<>();
        private String block;

        boolean take(ReturnPathMessage said) {
            if (!(said instanceof ReturnPathMessage.RequestPages request)) {
                others.add(said);
                return false;
            }
            block = request.block() == null ? block : request.block();
            assertNotNull(block, "the first request names no block");
            assertEquals(PAGE, request.length());
            Asked asked = new Asked(block, request.start());
            assertTrue(once.add(asked), () -> asked + " was asked for twice");
            pages.add(asked);
            return true;
        }
    }

    private record Asked(String block, long offset) {}

    private record Block(String name, long size, String sha256) {}

    /** Whatever a test left undone: nobody waits for a page when the guest is closed. */
    @AfterEach
    void end() throws Exception {
        migration.abort("the test is over");
        IncomingReport _ = migration.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);
        guest.close();
    }

    private ScriptedSource source(PassiveGuest to) throws IOException {
        Listener listener = Connections.listen(new Address.Tcp("127.0.0.1", 0));
        address = listener.address();
        IncomingConfig config = IncomingConfig.DEFAULT.withPostcopy(new PostcopyArrival(true, true, false, null));
        MigrationObserver observer = new MigrationObserver() {
            @Override
            public void state(MigrationState state) {
                states.add(state);
            }
        };
        guest = to;
        migration = IncomingMigration.start(guest, listener, config, observer, "in");
        return new ScriptedSource(address);
    }

    private Address again() throws IOException {
        Listener listener = Connections.listen(new Address.Tcp("127.0.0.1", 0));
        assertTrue(migration.recover(listener));
        return listener.address();
    }

    private void await(Class<? extends MigrationState> kind) throws InterruptedException {
        MigrationState next = null;
        while (!kind.isInstance(next)) {
            next = states.poll(LIMIT_SECONDS, TimeUnit.SECONDS);
            assertNotNull(next, "no " + kind.getSimpleName());
            assertFalse(next.ended(), next.toString());
        }
    }

    private void assertCompleted(String name) throws Exception {
        IncomingReport report = migration.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);
        migration.endAnnouncements();
        assertEquals("completed", report.outcome(), report.reason());
        List<Block> there = new ArrayList<>();
        for (RamBlock block : guest.memory().blocks()) {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            digest.update(block.segment().asByteBuffer());
            there.add(new Block(block.name(), block.size(), HEX.formatHex(digest.digest())));
        }
        assertEquals(blocks(name), there);
    }

    private static Set<ReturnPathMessage> pongs(int... values) {
        Set<ReturnPathMessage> pongs = new LinkedHashSet<>();
        for (int value : values) {
            pongs.add(new ReturnPathMessage.Pong(value));
        }
        return pongs;
    }

    /** The bitmaps in what a QEMU answered, up to its RESUME_ACK; taken apart here, not by what is tested. */
    private static Map<String, BitSet> bitmaps(byte[] answers, int end, String name) throws IOException {
        Map<String, BitSet> bitmaps = new LinkedHashMap<>();
        ByteBuffer in = ByteBuffer.wrap(answers, 0, end);
        for (Block block : blocks(name)) {
            in.position(in.position() + 4 + 1 + block.name.length());
            byte[] bits = new byte[(int) in.getLong()];
            in.get(bits);
            assertEquals(0x0123_4567_89AB_CDEFL, in.getLong());
            bitmaps.put(block.name, BitSet.valueOf(bits));
        }
        assertEquals(end, in.position());
        return bitmaps;
    }

    /** Behind the package and the PING that follows it. */
    private static int behindThePackage(byte[] stream) {
        int packaged = indexOf(stream, HEX.parseHex("0800070004"));
        int length = ByteBuffer.wrap(stream).getInt(packaged + 5);
        return packaged + 9 + length + 9;
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

    private static List<Block> blocks(String name) throws IOException {
        List<Block> blocks = new ArrayList<>();
        for (String line : Files.readAllLines(CAPTURES.resolve("postcopy-blocks.tsv"), StandardCharsets.UTF_8)) {
            List<String> fields = Arrays.asList(line.split("\t", -1));
            if (fields.get(0).equals(name)) {
                blocks.add(new Block(fields.get(1), Long.parseLong(fields.get(2)), fields.get(3)));
            }
        }
        return blocks;
    }
}
