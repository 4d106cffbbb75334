package org.transhume.control.reference;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.transhume.control.process.IdleGuest;
import org.transhume.control.qmp.QmpCommand;
import org.transhume.control.qmp.QmpDispatcher;
import org.transhume.control.settings.Capability;
import org.transhume.control.settings.Parameter;
import org.transhume.control.settings.Profile;

/** docs/reference.md is what the tables say. */
class ReferenceTest {
    private static final String BEGIN = "<!-- tables -->\n";
    private static final String END = "<!-- end of tables -->\n";

    @Test
    void theDocumentSaysWhatTheTablesSay() throws Exception {
        Path file = document();
        String text = Files.readString(file);
        String wanted = text.substring(0, text.indexOf(BEGIN) + BEGIN.length())
                + markdown()
                + text.substring(text.indexOf(END));

        if (Boolean.getBoolean("reference.rewrite")) {
            Files.writeString(file, wanted);
        }

        assertEquals(wanted, Files.readString(file), "docs/reference.md is old; it says itself how to write it anew");
    }

    @Test
    void leavesNothingOut() throws Exception {
        String text = markdown();

        for (Capability capability : Capability.values()) {
            assertTrue(text.contains("| `" + capability + "` |"), capability.wireName());
        }
        for (Parameter parameter : Parameter.values()) {
            assertTrue(text.contains("| `" + parameter + "` |"), parameter.wireName());
        }
        try (IdleGuest then = new IdleGuest(Profile.V3_1)) {
            for (QmpCommand command : then.dispatcher().commands()) {
                assertTrue(text.contains("\n### " + command.name() + "\n"), command.name());
                command.arguments()
                        .forEach(a -> assertTrue(text.contains("`" + a.name() + "`"), command.name() + " " + a.name()));
            }
        }
    }

    @Test
    void saysWhereAParameterDiffersBetweenProfiles() throws Exception {
        String text = markdown();

        assertTrue(text.contains("33554432 (3.1), 134217728 (10.0)"), "default of max-bandwidth");
        assertTrue(text.contains("powers of two from 4096"), "range of xbzrle-cache-size");
        assertTrue(text.contains("| `compress` | 3.1 |"), "a capability that was removed");
        assertTrue(text.contains("Takes in profile 3.1:\n\n* `uri` str"), "migrate takes other arguments in 3.1");
    }

    @Test
    void wantsAProcessOfEachProfile() {
        Map<Profile, QmpDispatcher> one = Map.of(Profile.V10_0, new QmpDispatcher(Profile.V10_0, "test"));

        assertThrows(IllegalArgumentException.class, () -> Reference.markdown(one));
    }

    private static String markdown() throws IOException {
        try (IdleGuest then = new IdleGuest(Profile.V3_1);
                IdleGuest now = new IdleGuest(Profile.V10_0)) {
            return Reference.markdown(Map.of(Profile.V3_1, then.dispatcher(), Profile.V10_0, now.dispatcher()));
        }
    }

    private static Path document() {
        Path folder = Path.of("").toAbsolutePath();
        while (Files.notExists(folder.resolve("docs/reference.md"))) {
            folder = folder.getParent();
        }
        return folder.resolve("docs/reference.md");
    }
}
