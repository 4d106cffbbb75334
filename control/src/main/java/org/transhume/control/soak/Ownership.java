package org.transhume.control.soak;

import java.util.ArrayList;
import java.util.List;

/** Hears on which side a guest may run, and sees every instant at which that are both. Any thread. */
final class Ownership {
    private boolean source; // guarded by this, as are the others
    private boolean destination;
    private final List<String> violations = new ArrayList<>();

    synchronized void source(boolean runs) {
        source = runs;
        look("the source runs it");
    }

    synchronized void destination(boolean runs) {
        destination = runs;
        look("the destination runs it");
    }

    private void look(String latest) {
        if (source && destination) {
            violations.add("both sides may run the guest, since " + latest);
        }
    }

    synchronized List<String> violations() {
        return List.copyOf(violations);
    }

    synchronized boolean atDestination() {
        return destination;
    }
}
