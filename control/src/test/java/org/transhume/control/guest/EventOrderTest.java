package org.transhume.control.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.transhume.control.settings.Capability;
import org.transhume.control.settings.Circumstances;
import org.transhume.control.settings.Profile;
import org.transhume.control.settings.Settings;
import org.transhume.engine.MigrationState;

/** The rows are what the engine does at a source, and what its clients hear (spec: control.md §5.5, rows 8, 18, 20, 22 and 33). */
class EventOrderTest {
    private final List<String> told = new ArrayList<>();

    @ParameterizedTest
    @CsvSource({
        "10.0, '',         stop device 2 completed,                 STOP device P:2 completed",
        "10.0, wanted,     stop device 2 postcopy completed,        STOP device P:2 postcopy-active completed",
        "10.0, wanted,     postcopy paused setup recover postcopy,  postcopy-active postcopy-paused"
                + " postcopy-recover-setup postcopy-recover postcopy-active",
        "3.1,  '',         2 stop device 3 completed,               P:2 STOP P:3 completed",
        "3.1,  wanted,     2 stop device 3 postcopy completed,      P:2 postcopy-active STOP P:3 completed",
        "3.1,  wanted,     device 3 postcopy completed,             postcopy-active P:3 completed",
        "3.1,  wanted,     stop device 3 completed,                 STOP P:3 completed",
        "3.1,  wanted,     stop device 3 failed resume,             STOP P:3 failed RESUME",
        "3.1,  wanted,     stop cancelling resume cancelled,        STOP cancelling RESUME cancelled",
        "3.1,  pauses,     stop pause device 2 completed,           STOP pre-switchover device P:2 completed",
        "3.1,  pauses wanted, stop pause device 2 completed,        STOP pre-switchover device P:2 completed",
        "3.1,  pauses wanted, stop pause device 2 postcopy,         STOP pre-switchover postcopy-active P:2",
        "3.1,  wanted,     postcopy paused setup recover postcopy,  postcopy-active postcopy-paused"
                + " postcopy-recover postcopy-active",
    })
    void tellsOfTheSwitchoverInTheOrderOfItsProfile(String profile, String settings, String happens, String expected)
            throws Exception {
        EventOrder order = order(Profile.named(profile).orElseThrow(), settings);

        for (String each : happens.split(" ", -1)) {
            happen(order, each);
        }

        assertEquals(expected, String.join(" ", told));
    }

    @ParameterizedTest
    @CsvSource({
        "10.0, '',     device, device",
        "10.0, '',     setup,  postcopy-recover-setup",
        "3.1,  '',     device, active",
        "3.1,  pauses, device, device",
        "3.1,  '',     setup,  postcopy-paused",
    })
    void namesAStateAsItsProfileDoes(String profile, String settings, String state, String expected) throws Exception {
        EventOrder order = order(Profile.named(profile).orElseThrow(), settings);

        assertEquals(expected, order.name(state(state)));
    }

    private EventOrder order(Profile profile, String words) throws Exception {
        Settings settings = new Settings(profile);
        boolean pauses = words.contains("pauses");
        settings.setCapabilities(
                Map.of(Capability.EVENTS, true, Capability.PAUSE_BEFORE_SWITCHOVER, pauses), Circumstances.IDLE);
        EventOrder order = new EventOrder(
                settings,
                (event, data) -> told.add(
                        switch (event) {
                            case "MIGRATION" -> data.get("status").asString();
                            case "MIGRATION_PASS" -> "P:" + data.get("pass").asInt();
                            default -> event;
                        }));
        order.postcopyWanted(words.contains("wanted"));
        return order;
    }

    private static void happen(EventOrder order, String what) {
        switch (what) {
            case "stop" -> order.stoppedToLeave();
            case "resume" -> order.guest("RESUME");
            case "2", "3" -> order.pass(Integer.parseInt(what));
            default -> order.source(state(what));
        }
    }

    private static MigrationState state(String word) {
        return switch (word) {
            case "pause" -> new MigrationState.PreSwitchover();
            case "device" -> new MigrationState.Device();
            case "postcopy" -> new MigrationState.PostcopyActive();
            case "paused" -> new MigrationState.PostcopyPaused("cut");
            case "setup" -> new MigrationState.PostcopyRecoverSetup();
            case "recover" -> new MigrationState.PostcopyRecover();
            case "completed" -> new MigrationState.Completed();
            case "cancelling" -> new MigrationState.Cancelling();
            case "cancelled" -> new MigrationState.Cancelled();
            case "failed" -> new MigrationState.Failed("moving", "why", null, false);
            default -> throw new IllegalArgumentException(word);
        };
    }
}
