package org.transhume.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.HexFormat;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.transhume.channels.Address;
import org.transhume.channels.Connection;
import org.transhume.channels.Connections;
import org.transhume.channels.Listener;
import org.transhume.channels.qemu.StreamWriter;
import org.transhume.engine.guest.SyntheticGuest;
import org.transhume.engine.outgoing.Dialer;
import org.transhume.engine.outgoing.OutgoingConfig;
import org.transhume.engine.outgoing.OutgoingMigration;
import org.transhume.engine.outgoing.OutgoingReport;
import org.transhume.engine.outgoing.PostcopyTerms;

/**
 * A destination that says what makes no sense: before it has the guest the source goes on with it, after that the guest stands
 * here, paused, and the migration can go on over another connection.
 */
@Timeout(60)
class RefusesWrongAnswersInPostcopyTest {
    private static final long RAM = 4 * Guests.MIB;
    private static final int LIMIT_SECONDS = 20;
    private static final String NAMED = "0003 0013 0000000000000000 00001000 06 70632e72616d";

    @RegisterExtension
    final NothingLeft nothingLeft = new NothingLeft();

    private final BlockingQueue<MigrationState> states = new LinkedBlockingQueue<>();
    private Listener listener;
    private SyntheticGuest guest;
    private OutgoingMigration out;
    private Connection main;
    private Thread reader;

    @BeforeEach
    void begin() throws IOException {
        listener = Connections.listen(new Address.Tcp("127.0.0.1", 0));
        guest = Guests.source("transhume-1.0", RAM, "marks", "uniform:rate=2000");
        guest.resume();
        OutgoingConfig config = OutgoingConfig.builder()
                .maxBandwidth(Guests.MIB) // so that pages are left to be asked for
                .downtimeLimit(Duration.ZERO)
                .returnPath(true)
                .postcopy(new PostcopyTerms(false, false, 64 << 10, null))
                .build();
        out = OutgoingMigration.start(
                guest,
                Dialer.to(listener.address()),
                config,
                new MigrationObserver() {
                    @Override
                    public void state(MigrationState state) {
                        states.add(state);
                    }
                },
                "out");
        main = accept();
    }

    /** The destination's end of the main channel; what comes over it is read and forgotten. */
    private Connection accept() throws IOException {
        Connection accepted = listener.accept(Duration.ofSeconds(LIMIT_SECONDS));
        reader = Thread.ofPlatform().daemon().name("in drain").start(() -> {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment chunk = arena.allocate(64 << 10);
                while (accepted.read(chunk, 0, (int) chunk.byteSize()) >= 0) {
                    // gone
                }
            } catch (IOException e) {
                // that is all
            }
        });
        return accepted;
    }

    @AfterEach
    void end() throws Exception {
        out.abandon("the test is over");
        OutgoingReport _ = out.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);
        main.close();
        Threads.join(reader);
        listener.close();
        guest.close();
    }

    private void say(String hex) throws IOException {
        try (StreamWriter words = new StreamWriter(main)) {
            words.bytes(HexFormat.of().parseHex(hex.replace(" ", ""))).flush();
        }
    }

    private <S extends MigrationState> S await(Class<S> kind) throws InterruptedException {
        while (true) {
            MigrationState next = states.poll(LIMIT_SECONDS, TimeUnit.SECONDS);
            assertNotNull(next, "no " + kind.getSimpleName());
            if (kind.isInstance(next)) {
                return kind.cast(next);
            }
            assertFalse(next.ended(), next.toString());
        }
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({
        "a page,              0003 0013 0000000000000000 00001000 06 70632e72616d, request for pages",
        "a bitmap,            0005 0007 06 70632e72616d, bitmap of block",
        "RESUME_ACK,          0006 0004 00000001, RESUME_ACK",
    })
    void beforeTheGuestHasLeftItGoesOnHere(String what, String hex, String message) throws Exception {
        await(MigrationState.Active.class);

        say(hex);

        MigrationState.Failed failed = await(MigrationState.Failed.class);
        assertTrue(failed.reason().contains(message), failed.reason());
        assertTrue(failed.reason().contains("return path, offset "), failed.reason());
        assertFalse(failed.ownershipUnknown());
        out.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);
        Guests.assertRunsOn(guest, what);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({
        "a page of another block,    0003 000e 0000000000000000 00001000 01 78, which does not exist",
        "a page behind the block,    0003 0013 0000000000400000 00001000 06 70632e72616d, request overrun",
        "pages across its end,       0003 0013 00000000003ff000 00002000 06 70632e72616d, request overrun",
        "half a page,                0003 0013 0000000000000000 00000800 06 70632e72616d, ''",
        "a page at an odd place,     0003 0013 0000000000000800 00001000 06 70632e72616d, ''",
        "no bytes,                   0003 0013 0000000000000000 00000000 06 70632e72616d, ''",
        "a page of the same block,   0004 000c 0000000000000000 00001000, none was named yet",
        "a bitmap,                   0005 0007 06 70632e72616d, expected none",
        "RESUME_ACK,                 0006 0004 00000001, RESUME_ACK",
        "another length,             0004 000b 0000000000000000 000010, ''",
        "no message,                 0008 0000, ''",
    })
    void onceTheGuestHasLeftTheConnectionIsLostAndNothingElse(String what, String hex, String message)
            throws Exception {
        out.startPostcopy();
        await(MigrationState.PostcopyActive.class);

        say(hex);

        MigrationState.PostcopyPaused paused = await(MigrationState.PostcopyPaused.class);
        assertTrue(paused.reason().startsWith("return path, offset "), paused.reason());
        assertTrue(paused.reason().contains(message), paused.reason());
        assertFalse(guest.running(), what);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({
        "a bitmap of another block, 0005 0002 01 78, expected that of 'pc.ram'",
        "a short bitmap,            0005 0007 06 70632e72616d 0000000000000008, size mismatch",
        "no end mark,               0005 0007 06 70632e72616d bitmap 0123456789abcdee, end mark",
        "RESUME_ACK at once,        0006 0004 00000001, RESUME_ACK",
        "the end,                   0001 0004 00000000, ended the recovery",
    })
    void aRecoveryThatGoesWrongLeavesItPaused(String what, String hex, String message) throws Exception {
        out.startPostcopy();
        await(MigrationState.PostcopyActive.class);
        main.close();
        await(MigrationState.PostcopyPaused.class);
        Threads.join(reader);
        assertTrue(out.resume(Dialer.to(listener.address())));
        main = accept();
        await(MigrationState.PostcopyRecover.class);

        String bits = "0000000000000080" + "00".repeat(128); // of 1024 pages
        say(hex.replace("bitmap", bits));

        MigrationState.PostcopyPaused paused = await(MigrationState.PostcopyPaused.class);
        assertTrue(paused.reason().contains(message), what + ": " + paused.reason());
        assertFalse(guest.running());
    }

    @Test
    void aFloodOfRequestsForPagesThatWereSentIsReadAndDropped() throws Exception {
        out.startPostcopy();
        await(MigrationState.PostcopyActive.class);
        say(NAMED);
        StringBuilder flood = new StringBuilder();
        for (int i = 0; i < 5000; i++) {
            flood.append("0004000c00000000000000000000").append("1000");
        }

        say(flood.toString());

        say("0003 000e 0000000000000000 00001000 01 78"); // it has come to here
        MigrationState.PostcopyPaused paused = await(MigrationState.PostcopyPaused.class);
        assertTrue(paused.reason().contains("which does not exist"), paused.reason());
        assertEquals(5001, out.progress().postcopyRequests());
    }

    @Test
    void aDestinationThatCannotLoadTheGuestLeavesItHere() throws Exception {
        out.startPostcopy();
        await(MigrationState.PostcopyActive.class);

        say("0001 0004 00000001"); // SHUT 1, and never said that it runs

        MigrationState.Failed failed = await(MigrationState.Failed.class);
        assertFalse(failed.ownershipUnknown(), failed.reason());
        assertTrue(failed.reason().contains("status 1"), failed.reason());
        out.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);
        Guests.assertRunsOn(guest, "refused");
    }
}
