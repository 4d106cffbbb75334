package org.transhume.control.guest;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import org.transhume.control.settings.Capability;
import org.transhume.control.settings.Profile;
import org.transhume.control.settings.Settings;
import org.transhume.engine.MigrationState;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;

/**
 * What a guest's process tells of its migrations, named and ordered as its profile does. The old one announces
 * {@code postcopy-active} before the guest stops (spec: control.md §5.5, row 33), which nobody knows so early: the guest may just
 * as well be stopped because all its pages have moved. What comes in between is kept until that is known. Any thread.
 */
public final class EventOrder {
    private static final String STOP = "STOP";

    private final Settings settings;
    private final BiConsumer<String, JsonNode> told;
    private final boolean old;
    private boolean postcopyWanted; // guarded by this, as are the others
    private boolean keeping;
    private Runnable device; // kept, and told only of a guest that leaves with all its pages
    private final List<Runnable> kept = new ArrayList<>();

    /** @param told hears each event with its data, which may be null */
    public EventOrder(Settings settings, BiConsumer<String, JsonNode> told) {
        this.settings = settings;
        this.told = told;
        this.old = settings.profile() == Profile.V3_1;
    }

    /** The guest was stopped, or runs again, for whatever reason. */
    public void guest(String event) {
        told.accept(event, null);
    }

    /** A migration stopped the guest that it moves away. */
    public synchronized void stoppedToLeave() {
        keeping = old && postcopyWanted;
        tell(() -> told.accept(STOP, null));
    }

    /** Whether somebody wants the guest that leaves to move before its pages. */
    synchronized void postcopyWanted(boolean wanted) {
        postcopyWanted = wanted;
    }

    /** The guest that leaves is in another state of its migration. */
    synchronized void source(MigrationState state) {
        if (old && state instanceof MigrationState.PostcopyRecoverSetup) {
            return;
        }
        Runnable event = () -> status(state);
        if (old && state instanceof MigrationState.Device) {
            keeping = postcopyWanted;
            device = pauses() ? event : null;
            if (!keeping) {
                release();
            }
            return;
        }
        if (keeping && state instanceof MigrationState.PostcopyActive) {
            device = null;
            event.run();
            release();
        } else {
            release();
            event.run();
        }
    }

    /** The guest that arrives is in another state of its migration. */
    void destination(MigrationState state) {
        status(state);
    }

    /** The dirty bitmap was harvested. */
    synchronized void pass(int number) {
        tell(() -> {
            if (settings.enabled(Capability.EVENTS)) {
                told.accept(
                        "MIGRATION_PASS", JsonNodeFactory.instance.objectNode().put("pass", number));
            }
        });
    }

    /** The name of a state in QMP, as far as the profile has one. */
    String name(MigrationState state) {
        boolean renamed = old
                && (state instanceof MigrationState.PostcopyRecoverSetup
                        || (state instanceof MigrationState.Device && !pauses()));
        if (!renamed) {
            return MigrationControl.wireName(state);
        }
        return state instanceof MigrationState.Device ? "active" : "postcopy-paused";
    }

    /** Capabilities do not change while a migration runs. */
    private boolean pauses() {
        return settings.enabled(Capability.PAUSE_BEFORE_SWITCHOVER);
    }

    private void status(MigrationState state) {
        if (settings.enabled(Capability.EVENTS)) {
            told.accept("MIGRATION", JsonNodeFactory.instance.objectNode().put("status", name(state)));
        }
    }

    private void tell(Runnable event) {
        if (keeping) {
            kept.add(event);
        } else {
            event.run();
        }
    }

    private void release() {
        keeping = false;
        if (device != null) {
            device.run();
        }
        kept.forEach(Runnable::run);
        device = null;
        kept.clear();
    }
}
