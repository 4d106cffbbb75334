package org.transhume.engine.counters;

import java.util.Locale;

/** When a counter begins anew. Each migration has counters of its own, which stay readable as long as it is known. */
public enum Reset {
    TOTAL("from 0 at the start of the migration, never falls, stays when it ends"),
    ONCE("0 until it is known, then fixed"),
    MOMENT("what it is at the moment; the last value stays when the migration ends"),
    WINDOW("of the last window of time, 0 until the first is over; the last value stays when the migration ends");

    final String text;

    Reset(String text) {
        this.text = text;
    }

    String word() {
        return name().toLowerCase(Locale.ROOT);
    }
}
