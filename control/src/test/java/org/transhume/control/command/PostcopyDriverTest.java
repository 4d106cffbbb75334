package org.transhume.control.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.transhume.control.guest.MigrationControl;
import org.transhume.control.guest.RunState;
import org.transhume.control.process.GuestProcess;
import org.transhume.control.settings.Profile;
import org.transhume.control.settings.Settings;
import org.transhume.engine.MigrationState;
import org.transhume.engine.guest.PassiveGuest;

/** What {@code send} says while its postcopy stands still. */
@Timeout(60)
class PostcopyDriverTest {
    private final List<String> said = new ArrayList<>();

    @Test
    void saysOnceForEachCutWhatHappenedAndHowToGoOn() throws Exception {
        try (PassiveGuest guest = new PassiveGuest();
                GuestProcess process = process(guest)) {
            PostcopyDriver driver =
                    new PostcopyDriver(process.control(), "tcp:far:4444", "unix:/run/q", null, said::add);
            driver.state(new MigrationState.PostcopyActive());
            driver.state(new MigrationState.PostcopyPaused("the network is gone"));
            driver.state(new MigrationState.PostcopyRecoverSetup());
            driver.state(new MigrationState.PostcopyPaused("connection refused"));
            assertEquals(1, said.size());
            driver.state(new MigrationState.PostcopyRecover());
            driver.state(new MigrationState.PostcopyActive());
            driver.state(new MigrationState.PostcopyPaused("again"));
        }

        assertTrue(said.get(0).startsWith("postcopy paused: the network is gone;"), said.get(0));
        assertTrue(said.get(0).endsWith("transhume qmp unix:/run/q migrate uri=tcp:far:4444 resume=true"), said.get(0));
        assertEquals("postcopy goes on", said.get(1));
        assertTrue(said.get(2).startsWith("postcopy paused: again;"), said.get(2));
    }

    @Test
    void saysThatItTriesByItselfWhereNobodyCanTellIt() throws Exception {
        try (PassiveGuest guest = new PassiveGuest();
                GuestProcess process = process(guest)) {
            new PostcopyDriver(process.control(), "tcp:far:4444", null, null, said::add)
                    .state(new MigrationState.PostcopyPaused("cut"));
        }

        assertTrue(said.getFirst().contains("Tried again every second"), said.getFirst());
    }

    private static GuestProcess process(PassiveGuest guest) {
        return new GuestProcess(
                guest, () -> false, RunState.PAUSED, new Settings(Profile.V10_0), MigrationControl.Incoming.NONE);
    }
}
