package org.transhume.control.process;

import java.io.IOException;
import java.util.List;
import org.transhume.control.guest.MigrationControl;
import org.transhume.control.guest.RunState;
import org.transhume.control.qmp.QmpDispatcher;
import org.transhume.control.settings.Profile;
import org.transhume.control.settings.Settings;
import org.transhume.engine.guest.SyntheticGuest;
import org.transhume.engine.guest.WorkloadSpec;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.RamBlock;
import org.transhume.memory.WriterMarks;

/** A process with a small guest that does nothing, for tests of what its commands say of themselves. */
public final class IdleGuest implements AutoCloseable {
    private static final long RAM = 1 << 20;

    private final SyntheticGuest guest;
    private final GuestProcess process;

    public IdleGuest(Profile profile) {
        GuestMemory memory = new GuestMemory(List.of(RamBlock.memfd(SyntheticGuest.BLOCK, RAM)));
        guest = new SyntheticGuest(
                SyntheticGuest.MACHINE, memory, new WriterMarks(memory), WorkloadSpec.parse("idle"), true, null);
        process = new GuestProcess(
                guest, guest::ranAtSource, RunState.PRELAUNCH, new Settings(profile), MigrationControl.Incoming.NONE);
    }

    public QmpDispatcher dispatcher() {
        return process.dispatcher();
    }

    @Override
    public void close() throws IOException {
        try (guest;
                process) {
            // the process first
        }
    }
}
