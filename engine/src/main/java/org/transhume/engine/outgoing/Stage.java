package org.transhume.engine.outgoing;

import java.util.function.Consumer;
import org.transhume.engine.Guest;
import org.transhume.engine.MigrationObserver;
import org.transhume.engine.MigrationState;

/** Where a migration stands and what it is at. Written by the migration's thread; the state is read by anyone. */
final class Stage {
    private final Consumer<MigrationState> account;
    private final MigrationObserver observer;
    private volatile MigrationState state = new MigrationState.Setup();
    private String during = "connecting";
    private boolean pausedHere;

    /** @param account hears of each state before {@code observer} does */
    Stage(Consumer<MigrationState> account, MigrationObserver observer) {
        this.account = account;
        this.observer = observer;
    }

    MigrationState state() {
        return state;
    }

    void enter(MigrationState next) {
        state = next;
        account.accept(next);
        observer.state(next);
    }

    /** Stops the guest, and remembers whether it has to go on if all this fails. */
    void pause(Guest guest) {
        pausedHere = guest.running();
        guest.pause();
    }

    /** Lets the guest go on, if it ran when it was paused here. */
    void resume(Guest guest) {
        if (pausedHere) {
            try {
                guest.resume();
            } catch (RuntimeException e) {
                // It stands, as its owner can see. What came of the migration must be told all the same.
            }
        }
    }

    /** What an error that comes now interrupts, one or two words. */
    void during(String what) {
        during = what;
    }

    String during() {
        return during;
    }
}
