package org.transhume.control.process;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.transhume.control.devices.DeviceLayer;
import org.transhume.control.settings.Profile;

/** {@code announce-self} (spec: control.md §2.7). */
@Timeout(30)
class AnnounceSelfTest {
    private final Interfaces interfaces = new Interfaces();

    @TempDir
    Path folder;

    private static final class Interfaces implements DeviceLayer {
        final List<String> told = Collections.synchronizedList(new ArrayList<>());

        @Override
        public Set<String> interfaces() {
            return Set.of("net0", "net1");
        }

        @Override
        public void announce(String interfaceName, int number) {
            told.add(interfaceName + "#" + number);
        }
    }

    private DrivenGuest guest() throws Exception {
        return DrivenGuest.with(folder.resolve("qmp"), Profile.V10_0, interfaces);
    }

    @Test
    void announcesTheGuestAtOnceAndAsOftenAsItIsTold() throws Exception {
        try (DrivenGuest guest = guest()) {
            long began = System.nanoTime();
            guest.execute("announce-self", "{'initial': 20, 'max': 40, 'rounds': 4, 'step': 15}");

            assertEquals(1, guest.guest.announcements());
            DrivenGuest.await("four announcements", () -> guest.guest.announcements() == 4);
            long millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began);
            assertEquals(true, millis >= 20 + 35 + 40, () -> "four announcements within " + millis + " ms");
        }
    }

    @Test
    void announcesOnlyOnInterfacesThatThereAre() throws Exception {
        try (DrivenGuest guest = guest()) {
            guest.execute(
                    "announce-self",
                    "{'initial': 1, 'max': 1, 'rounds': 2, 'step': 1, 'interfaces': ['net1', 'nosuch'], 'id': 'a'}");

            DrivenGuest.await("two announcements", () -> interfaces.told.size() == 2);
            assertEquals(List.of("net1#1", "net1#2"), interfaces.told);
            assertEquals(0, guest.guest.announcements());
        }
    }

    @Test
    void theSameIdTakesThePlaceOfWhatIsUnderWayAndAnotherDoesNot() throws Exception {
        String endless = "{'initial': 100000, 'max': 100000, 'rounds': 9, 'step': 1, 'interfaces': ['%s'], 'id': '%s'}";
        String brief = "{'initial': 1, 'max': 1, 'rounds': 2, 'step': 1, 'interfaces': ['net0'], 'id': 'a'}";
        try (DrivenGuest guest = guest()) {
            guest.execute("announce-self", endless.formatted("net0", "a"));
            guest.execute("announce-self", endless.formatted("net1", "b"));
            guest.execute("announce-self", brief);

            DrivenGuest.await("all announcements", () -> interfaces.told.size() == 4);
            assertEquals(List.of("net0#1", "net1#1", "net0#1", "net0#2"), interfaces.told);
        }
        assertEquals(4, interfaces.told.size());
    }

    @Test
    void takesTheIntegersThatQemuTakes() throws Exception {
        try (DrivenGuest guest = guest()) {
            guest.assertAnswers(
                    "announce-self | {} | GenericError: Parameter 'initial' is missing",
                    "announce-self | {'initial': 50, 'max': 100, 'rounds': 3}"
                            + "| GenericError: Parameter 'step' is missing",
                    "announce-self | {'initial': 'a', 'max': 100, 'rounds': 3, 'step': 1}"
                            + "| GenericError: Invalid parameter type for 'initial', expected: integer",
                    "announce-self | {'initial': 5, 'max': 1, 'rounds': 3, 'step': 1, 'interfaces': ['a', 1]}"
                            + "| GenericError: Invalid parameter type for 'interfaces[1]', expected: string",
                    "announce-self | {'initial': -1, 'max': -1, 'rounds': -1, 'step': -1} | {}",
                    "announce-self | {'initial': 0, 'max': 0, 'rounds': 0, 'step': 0} | {}");
            assertEquals(0, guest.guest.announcements());
        }
    }
}
