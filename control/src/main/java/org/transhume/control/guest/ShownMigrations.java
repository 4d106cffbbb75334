package org.transhume.control.guest;

import java.util.function.Supplier;
import org.transhume.engine.counters.CounterValues;
import org.transhume.engine.counters.CountersFile;

/** The latest migration of each direction as other processes see it, if anybody asked for that. Guarded by its owner. */
final class ShownMigrations {
    private CountersFile file;
    private CountersFile.Shown outgoing;
    private CountersFile.Shown incoming;

    /** From here on; the file stays its maker's, who closes it when no migration begins any more. */
    void in(CountersFile file) {
        this.file = file;
    }

    void outgoing(Supplier<CounterValues> counters) {
        outgoing = replace(outgoing, "migration", counters);
    }

    void incoming(Supplier<CounterValues> counters) {
        incoming = replace(incoming, "incoming", counters);
    }

    private CountersFile.Shown replace(CountersFile.Shown old, String name, Supplier<CounterValues> counters) {
        if (old != null) {
            old.close();
        }
        return file == null ? null : file.show(name, counters);
    }
}
