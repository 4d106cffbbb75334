package org.transhume.control.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.transhume.channels.qemu.BlockEntry;
import org.transhume.channels.qemu.DeviceTail;
import org.transhume.control.guest.EventOrder;
import org.transhume.control.guest.GuestRuntime;
import org.transhume.control.guest.RunState;
import org.transhume.control.settings.Profile;
import org.transhume.control.settings.Settings;
import org.transhume.engine.ArrivingPages;
import org.transhume.engine.IncomingGuest;
import org.transhume.engine.guest.PassiveGuest;
import org.transhume.memory.GuestMemory;

/** What capabilities and parameters of the destination do to a guest that arrives. */
@Timeout(60)
class ArrivingGuestsTest {
    private static final long RAM = 4 << 20;
    private static final UUID ONE = UUID.fromString("11111111-1111-1111-1111-111111111111");
    private static final UUID OTHER = UUID.fromString("22222222-2222-2222-2222-222222222222");

    @TempDir
    Path folder;

    /** {@code /migration/validate_uuid}. */
    @ParameterizedTest
    @CsvSource({"validate-uuid", "multifd"})
    void validateUuid(String capability) throws Exception {
        assertEquals("completed completed", moved(ONE, ONE, capability));
    }

    /** {@code /migration/validate_uuid_error}. */
    @Test
    void validateUuidError() throws Exception {
        try (DrivenGuest source = leaving(ONE);
                DrivenGuest destination = arriving(OTHER)) {
            source.enable("validate-uuid");
            source.cont();
            source.migrate(destination.listen(folder.resolve("in")));

            assertEquals("failed", source.awaitEnd());
            assertEquals("failed", destination.awaitEnd());
            String reason = destination.info().path("error-desc").asString();
            assertTrue(reason.startsWith("UUID received is %s and local is %s".formatted(ONE, OTHER)), reason);
            assertTrue(source.guest.running());
        }
    }

    /** {@code /migration/validate_uuid_src_not_set}. */
    @Test
    void validateUuidSrcNotSet() throws Exception {
        assertEquals("completed completed", moved(null, ONE, "validate-uuid"));
    }

    /** {@code /migration/validate_uuid_dst_not_set}. */
    @Test
    void validateUuidDstNotSet() throws Exception {
        assertEquals("completed completed", moved(ONE, null, "validate-uuid"));
    }

    @Test
    void anotherUuidMattersToNobodyWhoDoesNotValidateIt() throws Exception {
        assertEquals("completed completed", moved(ONE, OTHER, "events"));
    }

    /** The states both sides end in. */
    private String moved(UUID from, UUID to, String capability) throws Exception {
        try (DrivenGuest source = leaving(from);
                DrivenGuest destination = arriving(to)) {
            source.enable(capability);
            destination.enable(capability);
            source.migrate(destination.listen(folder.resolve("in")));
            return source.awaitEnd() + " " + destination.awaitEnd();
        }
    }

    @Test
    void announcesTheGuestAsOftenAsTheDestinationsParametersSayAlsoIfTheyCameLate() throws Exception {
        try (DrivenGuest source = leaving(null);
                DrivenGuest destination = arriving(null)) {
            String uri = destination.listen(folder.resolve("in"));
            source.set("{'announce-rounds': 1000}"); // the source has no say in it
            destination.set("{'announce-rounds': 7, 'announce-initial': 1, 'announce-step': 1, 'announce-max': 2}");

            source.migrate(uri);

            DrivenGuest.await("seven announcements", () -> destination.guest.announcements() == 7);
            assertEquals(0, source.guest.announcements());
        }
    }

    @Test
    void announcesTheGuestFiveTimesInTheOldProfile() throws Exception {
        try (DrivenGuest source = DrivenGuest.leaving(folder.resolve("src"), Profile.V3_1, null, RAM);
                DrivenGuest destination = DrivenGuest.arriving(folder.resolve("dst"), Profile.V3_1, null, RAM)) {
            source.migrate(destination.listen(folder.resolve("in")));

            DrivenGuest.await("five announcements", () -> destination.guest.announcements() == 5);
        }
    }

    @Test
    void announcesNoGuestThatIsAskedNotToBe() throws Exception {
        try (DrivenGuest source = leaving(null);
                DrivenGuest destination = arriving(null)) {
            destination.set("{'announce-rounds': 0}");
            source.migrate(destination.listen(folder.resolve("in")));

            assertEquals("completed", destination.awaitEnd());
            assertEquals(0, destination.guest.announcements());
        }
    }

    @Test
    void takesSettingsThatCameBetweenListeningAndTheSource() throws Exception {
        try (DrivenGuest source = leaving(null);
                DrivenGuest destination = arriving(null)) {
            source.enable("multifd");
            destination.enable("multifd");
            String uri = destination.listen(folder.resolve("in"));
            destination.set("{'multifd-compression': 'zstd', 'multifd-channels': 3}");
            source.set("{'multifd-compression': 'zstd', 'multifd-channels': 3}");

            source.migrate(uri);

            assertEquals("completed", source.awaitEnd());
            assertEquals("completed", destination.awaitEnd(), () -> reason(destination));
        }
    }

    private static String reason(DrivenGuest guest) {
        try {
            return guest.info().toString();
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    /** A guest that arrives paused and tells when it takes its disks. */
    private static final class WithDisks implements IncomingGuest {
        final List<String> told = new ArrayList<>();

        @Override
        public GuestMemory accept(String machine, List<BlockEntry> blocks) {
            throw new AssertionError("not asked here");
        }

        @Override
        public boolean fresh() {
            return true;
        }

        @Override
        public void load(DeviceTail devices) {}

        @Override
        public void activateDisks() {
            told.add("disks");
        }

        @Override
        public void start() {
            told.add("start");
        }

        @Override
        public void missing(ArrivingPages pages) {
            told.add("missing");
        }

        @Override
        public void abandoned() {
            told.add("abandoned");
        }
    }

    @Test
    void aGuestThatArrivesPausedTakesItsDisksWhenItIsMadeToRun() {
        WithDisks arriving = new WithDisks();
        GuestRuntime runtime = new GuestRuntime(new PassiveGuest(), arriving, () -> true, RunState.INMIGRATE, silent());
        runtime.stop();

        boolean runs = runtime.startsRunning();
        runtime.start();
        List<String> paused = List.copyOf(arriving.told);
        runtime.cont();
        runtime.stop();
        runtime.cont();

        assertEquals(false, runs);
        assertEquals(List.of(), paused);
        assertEquals(List.of("disks"), arriving.told);
    }

    @Test
    void aGuestThatArrivesRunningTakesItsDisksOnceAndBefore() {
        WithDisks arriving = new WithDisks();
        GuestRuntime runtime = new GuestRuntime(new PassiveGuest(), arriving, () -> true, RunState.INMIGRATE, silent());

        boolean runs = runtime.startsRunning();
        runtime.activateDisks();
        runtime.start();

        assertEquals(true, runs);
        assertEquals(List.of("disks", "start"), arriving.told);
    }

    @Test
    void aGuestOfWhichPartNeverCameStandsAndIsNotMadeToRunButMayArriveAgain() {
        WithDisks arriving = new WithDisks();
        GuestRuntime runtime = new GuestRuntime(new PassiveGuest(), arriving, () -> true, RunState.INMIGRATE, silent());
        runtime.missing((_, _) -> false);
        runtime.start();

        runtime.abandoned();
        runtime.whole();

        assertEquals(List.of("missing", "disks", "start", "abandoned"), arriving.told);
        assertEquals(RunState.PAUSED, runtime.state());
        assertThrows(IllegalStateException.class, runtime::cont);
        runtime.awaitAnother();
        runtime.start();
        assertEquals(RunState.RUNNING, runtime.state());
    }

    @Test
    void aGuestThatNeverRanHereMayArriveAgainAtOnceWhenPartOfItDoesNotCome() {
        WithDisks arriving = new WithDisks();
        GuestRuntime runtime = new GuestRuntime(new PassiveGuest(), arriving, () -> true, RunState.INMIGRATE, silent());
        runtime.missing((_, _) -> false);

        runtime.abandoned();
        runtime.whole();
        runtime.start();

        assertEquals(RunState.RUNNING, runtime.state());
    }

    private static EventOrder silent() {
        return new EventOrder(new Settings(Profile.V10_0), (_, _) -> {});
    }

    private DrivenGuest leaving(UUID uuid) throws Exception {
        return DrivenGuest.leaving(folder.resolve("src"), Profile.V10_0, uuid, RAM);
    }

    private DrivenGuest arriving(UUID uuid) throws Exception {
        return DrivenGuest.arriving(folder.resolve("dst"), Profile.V10_0, uuid, RAM);
    }
}
