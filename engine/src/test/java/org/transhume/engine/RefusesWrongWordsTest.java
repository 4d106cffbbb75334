package org.transhume.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.transhume.channels.Address;
import org.transhume.channels.Connection;
import org.transhume.channels.Connections;
import org.transhume.channels.Listener;
import org.transhume.channels.qemu.BlockEntry;
import org.transhume.channels.qemu.Command;
import org.transhume.channels.qemu.HandoverRecord;
import org.transhume.channels.qemu.MainStreamWriter;
import org.transhume.channels.qemu.ReturnPathMessage;
import org.transhume.channels.qemu.SectionKind;
import org.transhume.channels.qemu.StreamReader;
import org.transhume.channels.qemu.StreamWriter;
import org.transhume.engine.guest.SyntheticGuest;
import org.transhume.engine.incoming.IncomingConfig;
import org.transhume.engine.incoming.IncomingReport;
import org.transhume.engine.outgoing.Dialer;
import org.transhume.engine.outgoing.OutgoingConfig;
import org.transhume.engine.outgoing.OutgoingMigration;
import org.transhume.engine.outgoing.OutgoingReport;

/** Words about the owner that are not the ones expected: refused with their offset, and nobody runs what is not theirs. */
class RefusesWrongWordsTest {
    private static final long RAM = Guests.MIB;
    private static final int LIMIT_SECONDS = 20;
    private static final UUID ANY = new UUID(1, 2);

    @RegisterExtension
    final NothingLeft nothingLeft = new NothingLeft();

    @ParameterizedTest
    @CsvSource({
        "GRANT of another hand-over, 5452484f 0001 0002 00000010 id+, 0, 'GRANT of hand-over'",
        "another magic,              5452484d 0001 0002 00000010 id,  0, 'magic 0x5452484d'",
        "another version,            5452484f 0002 0002 00000010 id,  4, 'version 0x2'",
        "another length,             5452484f 0001 0002 00000011 id,  8, 'length 0x11'",
        "no such word,               5452484f 0001 0009 00000010 id,  6, 'code 9'",
        "READY,                      5452484f 0001 0001 00000010 id,  0, 'READY of hand-over'",
        "ASK on the wrong channel,   5452484f 0001 0004 00000010 id,  0, 'ASK of hand-over'",
    })
    void behindReadyADestinationTakesNothingButGrant(String what, String record, int at, String message)
            throws Exception {
        try (Arrival arrival = arrival();
                Connection connection = Connections.connect(arrival.address, Duration.ofSeconds(5));
                MainStreamWriter out = new MainStreamWriter(new StreamWriter(connection), 1);
                StreamReader answers = new StreamReader(connection, "return path")) {
            stream(out, arrival.guest, true);
            long end = out.offset();
            UUID id = assertInstanceOf(ReturnPathMessage.Handover.class, ReturnPathMessage.read(answers))
                    .record()
                    .id();

            try (StreamWriter words = new StreamWriter(connection)) {
                String wrong = record.replace(
                                "id+", hex(new UUID(id.getMostSignificantBits(), id.getLeastSignificantBits() + 1)))
                        .replace("id", hex(id));
                words.bytes(HexFormat.of().parseHex(wrong.replace(" ", ""))).flush();
            }
            assertEquals(new ReturnPathMessage.Shut(1), ReturnPathMessage.read(answers), what);
            arrival.abort(); // it may be asked still
            IncomingReport report = arrival.await();

            assertTrue(report.reason().contains("main, offset %d ".formatted(end + at)), report.reason());
            assertTrue(report.reason().contains(message), report.reason());
            assertFalse(arrival.guest.running());
        }
    }

    @Test
    void aDestinationTakesNoWordBeforeItAsked() throws Exception {
        try (Arrival arrival = arrival();
                Connection connection = Connections.connect(arrival.address, Duration.ofSeconds(5));
                MainStreamWriter out = new MainStreamWriter(new StreamWriter(connection), 1)) {
            stream(out, arrival.guest, false);
            long end = out.offset();
            out.handover(new HandoverRecord(HandoverRecord.Code.GRANT, ANY));
            out.flush();

            IncomingReport report = arrival.await();

            assertTrue(report.reason().startsWith("main, offset %d ".formatted(end)), report.reason());
            assertFalse(arrival.guest.running());
        }
    }

    @Test
    void aDestinationIsGivenNoRamUnlessItCanAnswer() throws Exception {
        try (Arrival arrival = arrival();
                Connection connection = Connections.connect(arrival.address, Duration.ofSeconds(5));
                MainStreamWriter out = new MainStreamWriter(new StreamWriter(connection), 1)) {
            out.header(Extensions.header(SyntheticGuest.MACHINE, null, Set.of(Extensions.HANDOVER)));
            long start = out.offset();
            out.section(SectionKind.START);
            out.blocks(List.of(new BlockEntry(SyntheticGuest.BLOCK, RAM)), false);
            out.flush();

            IncomingReport report = arrival.await();

            assertTrue(report.reason().startsWith("main, offset %d ".formatted(start)), report.reason());
            assertTrue(report.reason().contains("OPEN_RETURN_PATH"), report.reason());
        }
    }

    @Test
    void whoeverAsksForAnotherGuestIsToldNothing() throws Exception {
        try (Arrival arrival = arrival();
                Connection connection = Connections.connect(arrival.address, Duration.ofSeconds(5));
                MainStreamWriter out = new MainStreamWriter(new StreamWriter(connection), 1);
                StreamReader answers = new StreamReader(connection, "return path")) {
            stream(out, arrival.guest, true);
            UUID id = assertInstanceOf(ReturnPathMessage.Handover.class, ReturnPathMessage.read(answers))
                    .record()
                    .id();
            try (Connection stranger = Connections.connect(arrival.address, Duration.ofSeconds(5))) {
                new HandoverRecord(HandoverRecord.Code.ASK, ANY).send(stranger);
                assertEquals(null, HandoverRecord.receive(stranger, Duration.ofSeconds(5), "answer", 0));
            }

            out.handover(new HandoverRecord(HandoverRecord.Code.GRANT, id));
            out.handover(new HandoverRecord(HandoverRecord.Code.HEARD, id));
            out.flush();

            assertEquals("completed", arrival.await().outcome());
            assertEquals(new ReturnPathMessage.Shut(0), ReturnPathMessage.read(answers));
        }
    }

    @Test
    void aDestinationThatWasAskedRenouncesAndTakesNoGrantAnyMore() throws Exception {
        try (Arrival arrival = arrival();
                Connection connection = Connections.connect(arrival.address, Duration.ofSeconds(5));
                MainStreamWriter out = new MainStreamWriter(new StreamWriter(connection), 1);
                StreamReader answers = new StreamReader(connection, "return path")) {
            stream(out, arrival.guest, true);
            UUID id = assertInstanceOf(ReturnPathMessage.Handover.class, ReturnPathMessage.read(answers))
                    .record()
                    .id();
            try (Connection asking = Connections.connect(arrival.address, Duration.ofSeconds(5))) {
                new HandoverRecord(HandoverRecord.Code.ASK, id).send(asking);
                HandoverRecord answer = HandoverRecord.receive(asking, Duration.ofSeconds(5), "answer", 0);
                out.handover(new HandoverRecord(HandoverRecord.Code.GRANT, id)); // overtaken by the question
                out.flush();
                new HandoverRecord(HandoverRecord.Code.HEARD, id).send(asking);

                assertEquals(new HandoverRecord(HandoverRecord.Code.RENOUNCED, id), answer);
            }
            IncomingReport report = arrival.await();

            assertEquals("failed", report.outcome());
            assertTrue(report.reason().contains("never will"), report.reason());
            assertFalse(arrival.guest.running());
        }
    }

    @ParameterizedTest
    @CsvSource({
        "READY before all was sent, true,  5448 001c 5452484f 0001 0001 00000010 id, 0, READY at the wrong time",
        "READY without x-handover,  false, 5448 001c 5452484f 0001 0001 00000010 id, 0, READY at the wrong time",
        "a short READY,             true,  5448 0010 5452484f 0001 0001 00000010 id, 0, with 16 bytes",
        "another version of it,     true,  5448 001c 5452484f 0007 0001 00000010 id, 8, version 0x7",
        "GRANT from the wrong side, true,  5448 001c 5452484f 0001 0002 00000010 id, 0, expected READY",
    })
    void aSourceKeepsTheGuestWhenTheDestinationSaysNonsense(
            String what, boolean handover, String message, int at, String reason) throws Exception {
        byte[] nonsense =
                HexFormat.of().parseHex(message.replace("id", hex(ANY)).replace(" ", ""));
        OutgoingConfig config = OutgoingConfig.builder()
                .returnPath(true)
                .handover(handover)
                .maxBandwidth(1 << 20) // so that it is at its pages when it hears this
                .build();
        try (SyntheticGuest source = Guests.source(SyntheticGuest.MACHINE, 8 * RAM, "marks", "uniform:rate=1000");
                Listener listener = Connections.listen(new Address.Tcp("127.0.0.1", 0))) {
            source.resume();
            CompletableFuture<Void> peer = CompletableFuture.runAsync(() -> {
                try (Connection connection = listener.accept(Duration.ofSeconds(10));
                        StreamWriter out = new StreamWriter(connection);
                        StreamReader in = new StreamReader(connection, "main")) {
                    out.bytes(nonsense).flush();
                    byte[] chunk = new byte[1 << 16];
                    while (in.some(chunk, 0, chunk.length) >= 0) {
                        // until it gives up
                    }
                } catch (IOException e) {
                    // it gave up
                }
            });

            OutgoingMigration migration = OutgoingMigration.start(
                    source, Dialer.to(listener.address()), config, new MigrationObserver() {}, "out");
            OutgoingReport report = migration.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);
            peer.get(LIMIT_SECONDS, TimeUnit.SECONDS);

            assertEquals("failed", report.outcome());
            assertTrue(report.reason().contains("return path, offset %d ".formatted(at)), report.reason());
            assertTrue(report.reason().contains(reason), report.reason());
            Guests.assertRunsOn(source, what);
        }
    }

    private static Arrival arrival() throws IOException {
        return Arrival.of(
                Guests.empty(SyntheticGuest.MACHINE, RAM, true),
                "tcp",
                IncomingConfig.DEFAULT.withShared(Set.of(Extensions.HANDOVER)));
    }

    /** A whole stream; it leaves at once, or with what is written behind it. */
    private static void stream(MainStreamWriter out, SyntheticGuest guest, boolean flushed) throws IOException {
        out.header(Extensions.header(SyntheticGuest.MACHINE, null, Set.of(Extensions.HANDOVER)));
        out.command(new Command.OpenReturnPath());
        out.section(SectionKind.START);
        out.blocks(List.of(new BlockEntry(SyntheticGuest.BLOCK, RAM)), false);
        out.endOfSection();
        out.section(SectionKind.END);
        for (long offset = 0; offset < RAM; offset += 4096) {
            out.zeroPage(0, offset);
        }
        out.endOfSection();
        out.devices(guest.saveDevices());
        out.end(guest.saveDevices());
        if (flushed) {
            out.flush();
        }
    }

    private static String hex(UUID id) {
        return HexFormat.of().toHexDigits(id.getMostSignificantBits())
                + HexFormat.of().toHexDigits(id.getLeastSignificantBits());
    }
}
