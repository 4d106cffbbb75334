package org.transhume.control.process;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.transhume.control.conversation.Comparison;
import org.transhume.control.conversation.Conversation;
import org.transhume.control.conversation.Transcript;
import org.transhume.control.guest.MigrationControl;
import org.transhume.control.guest.RunState;
import org.transhume.control.settings.Profile;
import org.transhume.control.settings.Settings;
import org.transhume.engine.guest.SyntheticGuest;
import org.transhume.engine.guest.WorkloadSpec;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.RamBlock;
import org.transhume.memory.WriterMarks;

/** What a QEMU 10.0.2 once said to {@code questions.txt}, held against what we say now. */
@Timeout(30)
class RecordedSessionTest {
    private static final long RAM = 16 << 20;

    @TempDir
    Path folder;

    @Test
    void weAnswerAsTheQemuDidThatWasRecorded() throws Exception {
        List<String> complaints = new ArrayList<>();
        Map<String, Asked> asked = new HashMap<>();
        try {
            for (Conversation conversation : Conversation.all()) {
                if (!asked.containsKey(conversation.place())) {
                    asked.put(conversation.place(), start(conversation.place()));
                }
                Transcript ours = Transcript.of(conversation, folder.resolve(conversation.place()));
                Comparison.of(conversation, Transcript.recordedOf(conversation), ours)
                        .forEach(complaint -> complaints.add(conversation + ": " + complaint));
            }
        } finally {
            for (Asked one : asked.values()) {
                one.close();
            }
        }

        assertEquals("", String.join("\n", complaints));
    }

    private Asked start(String place) throws Exception {
        boolean arrives = !place.equals("source");
        GuestMemory memory = new GuestMemory(List.of(RamBlock.memfd(SyntheticGuest.BLOCK, RAM)));
        SyntheticGuest guest = new SyntheticGuest(
                SyntheticGuest.MACHINE, memory, new WriterMarks(memory), WorkloadSpec.parse("idle"), true, null);
        GuestProcess process = new GuestProcess(
                Whole.uncounted(guest),
                guest::ranAtSource,
                arrives ? RunState.INMIGRATE : RunState.PRELAUNCH,
                new Settings(Profile.V10_0),
                arrives ? MigrationControl.Incoming.DEFERRED : MigrationControl.Incoming.NONE);
        process.serve("unix:" + folder.resolve(place));
        if (place.equals("listening")) {
            process.control().listen("tcp:127.0.0.1:0", true);
        }
        return new Asked(guest, process);
    }

    private record Asked(SyntheticGuest guest, GuestProcess process) implements AutoCloseable {
        @Override
        public void close() throws IOException {
            try (guest;
                    process) {
                // in the reverse order
            }
        }
    }
}
