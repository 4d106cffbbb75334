package org.transhume.control.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.transhume.channels.qemu.BlockEntry;
import org.transhume.channels.qemu.DeviceTail;
import org.transhume.control.guest.MigrationControl;
import org.transhume.control.guest.RunState;
import org.transhume.control.image.GuestImage;
import org.transhume.control.image.Merge;
import org.transhume.control.process.GuestProcess;
import org.transhume.control.settings.Profile;
import org.transhume.control.settings.Settings;
import org.transhume.engine.HalfState;
import org.transhume.engine.guest.PassiveGuest;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.PageSize;

/** What is saved of a postcopy that is given up, and what is said about it. */
@Timeout(60)
class SalvageTest {
    private static final UUID MIGRATION = new UUID(7, 8);
    private static final DeviceTail DEVICES = new DeviceTail(new byte[0], "{}".getBytes(StandardCharsets.UTF_8));

    @TempDir
    Path folder;

    private PassiveGuest guest;
    private GuestMemory memory;
    private GuestProcess process;

    @BeforeEach
    void takeAGuest() {
        guest = new PassiveGuest();
        memory = guest.accept("transhume-1.0", List.of(new BlockEntry("pc.ram", 8 * PageSize.BYTES)));
        for (long page = 0; page < 8; page++) {
            memory.blocks().getFirst().segment().set(ValueLayout.JAVA_LONG, page * PageSize.BYTES, page + 1);
        }
        guest.load(DEVICES);
        process = new GuestProcess(
                guest,
                () -> false,
                RunState.INMIGRATE,
                new Settings(Profile.V10_0),
                MigrationControl.Incoming.DEFERRED);
    }

    @AfterEach
    void close() throws IOException {
        process.close();
        guest.close();
    }

    @Test
    void savesBothHalvesAndSaysWhereTheyAre() throws Exception {
        Salvage destination = salvage(folder.resolve("dst"));
        Salvage source = salvage(folder.resolve("src"));

        destination.accept(half(HalfState.Side.DESTINATION, null));
        source.accept(half(HalfState.Side.SOURCE, DEVICES));

        assertEquals(
                "; what the destination had of the guest, 3 of 8 pages, is in %s: transhume merge makes it whole again"
                        .formatted(folder.resolve("dst")),
                destination.told());
        Merge.Report merged =
                new Merge(folder.resolve("src"), folder.resolve("dst"), false).write(folder.resolve("out"));
        assertEquals("destination", merged.devicesFrom());
        assertEquals(5, merged.sourcePages());
        try (PassiveGuest whole = new GuestImage(folder.resolve("out")).read()) {
            assertEquals(
                    -1,
                    whole.memory()
                            .blocks()
                            .getFirst()
                            .segment()
                            .mismatch(memory.blocks().getFirst().segment()));
            assertEquals(DEVICES, whole.saveDevices());
        }
    }

    @Test
    void saysWhatIsLostWhereNothingIsToBeSaved() throws Exception {
        Salvage salvage = salvage(null);

        salvage.accept(half(HalfState.Side.SOURCE, DEVICES));

        assertEquals("; what the source had of the guest is lost, --salvage DIR would have saved it", salvage.told());
    }

    @Test
    void saysWhyItCouldNotSave() throws Exception {
        Path place = folder.resolve("taken");
        Salvage salvage = salvage(place);
        Files.writeString(place, "somebody was here meanwhile");

        salvage.accept(half(HalfState.Side.SOURCE, DEVICES));

        assertTrue(salvage.told().contains("could not be saved in " + place), salvage.told());
        assertTrue(salvage.told().contains("is not a directory"), salvage.told());
    }

    @Test
    void beginsWithNoPlaceThatIsTaken() throws Exception {
        Files.writeString(folder.resolve("mine"), "x");

        assertThrows(IOException.class, () -> salvage(folder));
    }

    @Test
    void hasNothingToSayOfAProcessThatIsNotInPostcopy() throws Exception {
        Salvage salvage = salvage(folder.resolve("dst"));

        salvage.quit();

        assertEquals("", salvage.told());
        assertFalse(Files.exists(folder.resolve("dst")));
    }

    private Salvage salvage(Path directory) throws IOException {
        return Salvage.of(process, directory, new Termination());
    }

    private HalfState half(HalfState.Side side, DeviceTail devices) {
        boolean all = side == HalfState.Side.SOURCE;
        return new HalfState(
                side, "transhume-1.0", MIGRATION, memory, (_, offset) -> all || offset < 3 * PageSize.BYTES, devices);
    }
}
