package org.transhume.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.transhume.channels.Address;
import org.transhume.channels.Connection;
import org.transhume.channels.Connections;
import org.transhume.channels.Listener;
import org.transhume.channels.qemu.BlockEntry;
import org.transhume.channels.qemu.Command;
import org.transhume.channels.qemu.MainStreamWriter;
import org.transhume.channels.qemu.MultifdHello;
import org.transhume.channels.qemu.ReturnPathMessage;
import org.transhume.channels.qemu.SectionKind;
import org.transhume.channels.qemu.StreamHeader;
import org.transhume.channels.qemu.StreamReader;
import org.transhume.channels.qemu.StreamWriter;
import org.transhume.engine.guest.SyntheticGuest;
import org.transhume.engine.incoming.IncomingConfig;
import org.transhume.engine.incoming.IncomingMigration;
import org.transhume.engine.incoming.IncomingReport;

/** What a guest that arrives is asked and told, and what its source hears meanwhile. */
@Timeout(60)
@ExtendWith(NothingLeft.class)
class ArrivesTest {
    private static final long RAM = 1 << 20;
    private static final int LIMIT_SECONDS = 20;
    private static final UUID OURS = UUID.fromString("00000000-1111-2222-3333-444444444444");
    private static final UUID OTHER = UUID.fromString("ffffffff-1111-2222-3333-444444444444");
    private static final IncomingConfig QUIET =
            IncomingConfig.DEFAULT.withAnnouncements(new AnnounceSchedule(0, 0, 0, 0));

    /** One incoming migration and a source made by hand. */
    private static final class Pair implements AutoCloseable {
        final SyntheticGuest empty = Guests.empty(SyntheticGuest.MACHINE, RAM, true);
        final ArrivingGuest guest;
        final AtomicReference<IncomingConfig> settings;
        final IncomingMigration migration;
        final Address address;
        final List<Connection> connections = new ArrayList<>();
        final List<MainStreamWriter> writers = new ArrayList<>();

        Pair(IncomingConfig config, UUID uuid, boolean approves, boolean startsRunning) throws Exception {
            guest = new ArrivingGuest(empty, uuid, approves, startsRunning);
            settings = new AtomicReference<>(config);
            Listener listener = Connections.listen(new Address.Tcp("127.0.0.1", 0));
            address = listener.address();
            migration = IncomingMigration.start(guest, listener, settings::get, new MigrationObserver() {}, "in");
        }

        Connection connect() throws Exception {
            Connection connection = Connections.connect(address, Duration.ofSeconds(5));
            connections.add(connection);
            return connection;
        }

        MainStreamWriter stream(Connection connection, UUID uuid) throws Exception {
            MainStreamWriter out = new MainStreamWriter(new StreamWriter(connection), 1);
            writers.add(out);
            StreamHeader plain = new StreamHeader(SyntheticGuest.MACHINE);
            out.header(new StreamHeader(plain.machine(), List.of(), uuid, plain.extensions()));
            return out;
        }

        void finish(MainStreamWriter out) throws Exception {
            out.section(SectionKind.START);
            out.blocks(List.of(new BlockEntry(SyntheticGuest.BLOCK, RAM)), false);
            out.endOfSection();
            out.section(SectionKind.END);
            for (long offset = 0; offset < RAM; offset += 4096) {
                out.zeroPage(0, offset);
            }
            out.endOfSection();
            out.devices(empty.saveDevices());
            out.end(empty.saveDevices());
            out.flush();
        }

        IncomingReport await() {
            return migration
                    .completion()
                    .orTimeout(LIMIT_SECONDS, TimeUnit.SECONDS)
                    .join();
        }

        List<String> toldSoFar() {
            List<String> told = new ArrayList<>();
            guest.told.drainTo(told);
            return told;
        }

        @Override
        public void close() throws IOException {
            migration.abort("the test is over");
            await();
            migration.endAnnouncements();
            writers.forEach(MainStreamWriter::close);
            for (Connection connection : connections) {
                connection.close();
            }
            empty.close();
        }
    }

    @Test
    void approvesTheSwitchoverAtOnceWhenNothingDelaysIt() throws Exception {
        try (Pair pair = new Pair(QUIET.withSwitchoverAck(true), null, true, true)) {
            Connection connection = pair.connect();
            MainStreamWriter out = pair.stream(connection, null);
            out.command(new Command.OpenReturnPath());
            out.command(new Command.Ping(1));
            out.flush();
            try (StreamReader answers = new StreamReader(connection, "return path")) {

                ReturnPathMessage first = ReturnPathMessage.read(answers);
                ReturnPathMessage second = ReturnPathMessage.read(answers);

                assertInstanceOf(ReturnPathMessage.SwitchoverAck.class, first); // before PONG 1, as QEMU does
                assertEquals(new ReturnPathMessage.Pong(1), second);
            }
        }
    }

    @Test
    void approvesTheSwitchoverOnceWhenTheGuestSaysSo() throws Exception {
        try (Pair pair = new Pair(QUIET.withSwitchoverAck(true), null, false, true)) {
            Connection connection = pair.connect();
            MainStreamWriter out = pair.stream(connection, null);
            out.command(new Command.OpenReturnPath());
            out.command(new Command.Ping(1));
            out.flush();
            try (StreamReader answers = new StreamReader(connection, "return path")) {
                ReturnPathMessage first = ReturnPathMessage.read(answers);
                Runnable approval = pair.guest.approval();

                approval.run();
                approval.run();
                ReturnPathMessage second = ReturnPathMessage.read(answers);
                pair.finish(out);
                ReturnPathMessage third = ReturnPathMessage.read(answers);

                assertEquals(new ReturnPathMessage.Pong(1), first);
                assertInstanceOf(ReturnPathMessage.SwitchoverAck.class, second);
                assertEquals(new ReturnPathMessage.Shut(0), third);
                assertEquals("completed", pair.await().outcome());
                approval.run(); // far too late: nobody listens, nothing happens
            }
        }
    }

    @Test
    void keepsTheApprovalToItselfUnlessTheCapabilityIsOn() throws Exception {
        try (Pair pair = new Pair(QUIET, null, true, true)) {
            Connection connection = pair.connect();
            MainStreamWriter out = pair.stream(connection, null);
            out.command(new Command.OpenReturnPath());
            pair.finish(out);
            try (StreamReader answers = new StreamReader(connection, "return path")) {

                ReturnPathMessage first = ReturnPathMessage.read(answers);

                assertEquals(new ReturnPathMessage.Shut(0), first);
                assertEquals(List.of("accept", "load", "activateDisks", "start"), pair.toldSoFar());
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "false, true,  accept load activateDisks start",
        "false, false, accept load activateDisks start",
        "true,  true,  accept load activateDisks start",
        "true,  false, accept load start",
    })
    void takesTheDisksBeforeTheGuestStartsUnlessThatIsToBeLate(boolean late, boolean startsRunning, String told)
            throws Exception {
        try (Pair pair = new Pair(QUIET.withLateDisks(late), null, true, startsRunning)) {
            pair.finish(pair.stream(pair.connect(), null));

            IncomingReport report = pair.await();

            assertEquals("completed", report.outcome(), report.reason());
            assertEquals(List.of(told.split(" ")), pair.toldSoFar());
        }
    }

    @Test
    void announcesTheGuestBeforeItStartsAndGoesOnAfterTheMigration() throws Exception {
        IncomingConfig config = IncomingConfig.DEFAULT.withAnnouncements(new AnnounceSchedule(1, 2, 4, 1));
        try (Pair pair = new Pair(config, null, true, true)) {
            pair.finish(pair.stream(pair.connect(), null));
            pair.await();

            List<String> told = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                told.add(pair.guest.next());
            }

            assertEquals(List.of("accept", "load", "activateDisks", "announce 1"), told.subList(0, 4));
            assertTrue(told.contains("start"), told::toString);
            told.remove("start");
            assertEquals(List.of("announce 2", "announce 3", "announce 4"), told.subList(4, 7));
        }
    }

    @Test
    void announcesAsTheSettingsSayWhenTheGuestIsLoaded() throws Exception {
        try (Pair pair = new Pair(QUIET, null, true, true)) {
            MainStreamWriter out = pair.stream(pair.connect(), null);
            out.section(SectionKind.START);
            out.blocks(List.of(new BlockEntry(SyntheticGuest.BLOCK, RAM)), false);
            out.endOfSection();
            out.flush();
            assertEquals("accept", pair.guest.next()); // the others are latched

            pair.settings.set(QUIET.withAnnouncements(new AnnounceSchedule(0, 0, 1, 0)));
            out.section(SectionKind.END);
            for (long offset = 0; offset < RAM; offset += 4096) {
                out.zeroPage(0, offset);
            }
            out.endOfSection();
            out.devices(pair.empty.saveDevices());
            out.end(pair.empty.saveDevices());
            out.flush();
            pair.await();

            assertEquals(List.of("load", "activateDisks", "announce 1", "start"), pair.toldSoFar());
        }
    }

    @Test
    void announcesNothingAnyMoreOnceItWasToldToEnd() throws Exception {
        IncomingConfig config = IncomingConfig.DEFAULT.withAnnouncements(new AnnounceSchedule(60_000, 60_000, 2, 1));
        try (Pair pair = new Pair(config, null, true, true)) {
            pair.finish(pair.stream(pair.connect(), null));
            pair.await();

            pair.migration.endAnnouncements();

            assertEquals(List.of("accept", "load", "activateDisks", "announce 1", "start"), pair.toldSoFar());
        }
    }

    @Test
    void learnsWhichGuestComes() throws Exception {
        try (Pair pair = new Pair(QUIET, null, true, true)) {
            pair.finish(pair.stream(pair.connect(), OTHER));

            IncomingReport report = pair.await();

            assertEquals("completed", report.outcome(), report.reason());
            assertEquals("identify " + OTHER, pair.guest.next());
        }
    }

    @Test
    void refusesAGuestWithAnotherUuidBeforeItTakesAnyMemory() throws Exception {
        try (Pair pair = new Pair(QUIET, OURS, true, true)) {
            MainStreamWriter out = pair.stream(pair.connect(), OTHER);
            out.command(new Command.OpenReturnPath());
            out.flush();

            IncomingReport report = pair.await();

            assertEquals("failed", report.outcome());
            assertTrue(
                    report.reason().startsWith("UUID received is %s and local is %s".formatted(OTHER, OURS)),
                    report.reason());
            assertNull(pair.guest.told.poll());
        }
    }

    @ParameterizedTest
    @CsvSource({"true", "false"})
    void refusesAChannelOfAnotherGuest(boolean named) throws Exception {
        try (Pair pair = new Pair(QUIET.withChannels(2), OURS, true, true)) {
            try (StreamWriter hello = new StreamWriter(pair.connect())) {
                new MultifdHello(0, OURS).write(hello);
            }
            try (StreamWriter hello = new StreamWriter(pair.connect())) {
                new MultifdHello(1, named ? OTHER : null).write(hello);
            }

            IncomingReport report = pair.await();

            assertEquals("failed", report.outcome());
            assertTrue(
                    report.reason()
                            .contains("channel 1: UUID received is %s and local is %s"
                                    .formatted(named ? OTHER : "none", OURS)),
                    report.reason());
        }
    }

    @Test
    void keepsTheSettingsOfWhenItsSourceBeganToSpeak() throws Exception {
        try (Pair pair = new Pair(QUIET, null, true, true)) {
            Connection silent = pair.connect(); // somebody is there, but says nothing
            pair.settings.set(QUIET.withSwitchoverAck(true));

            Connection connection = pair.connect();
            MainStreamWriter out = pair.stream(connection, null);
            out.command(new Command.OpenReturnPath());
            out.flush();
            try (StreamReader answers = new StreamReader(connection, "return path")) {

                ReturnPathMessage first = ReturnPathMessage.read(answers);

                assertInstanceOf(ReturnPathMessage.SwitchoverAck.class, first);
                pair.settings.set(QUIET.withChannels(9));
                pair.finish(out);
                assertEquals(new ReturnPathMessage.Shut(0), ReturnPathMessage.read(answers));
            }
            silent.close();
        }
    }

    @Test
    void staysReachableHoweverManyStrangersLooked() throws Exception {
        try (Pair pair = new Pair(QUIET, null, true, true)) {
            for (int i = 0; i < 100; i++) {
                Connection stranger = Connections.connect(pair.address, Duration.ofSeconds(5));
                stranger.close();
            }

            pair.finish(pair.stream(pair.connect(), null));

            IncomingReport report = pair.await();
            assertEquals("completed", report.outcome(), report.reason());
        }
    }
}
