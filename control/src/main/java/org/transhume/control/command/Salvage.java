package org.transhume.control.command;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.function.Consumer;
import org.transhume.channels.qemu.DeviceTail;
import org.transhume.control.guest.MigrationControl;
import org.transhume.control.image.HalfImage;
import org.transhume.control.image.Manifest;
import org.transhume.control.process.GuestProcess;
import org.transhume.engine.HalfState;
import org.transhume.engine.MigrationException;
import org.transhume.memory.PageSize;

/**
 * What becomes of the half of a guest that is here when its postcopy is given up, which happens when the process is told to quit:
 * it is saved, if the command line says where. Called by the migration's thread.
 */
final class Salvage implements Consumer<HalfState> {
    /** Of the option that names the directory. */
    static final String OPTION =
            "Where this side's half of the guest is saved if the process is told to quit in postcopy"
                    + " (QMP quit, SIGTERM, SIGINT); a new directory, for transhume merge.";

    static final String WHY = "the process was told to quit";

    private final GuestProcess process;
    private final HalfImage image; // null: nothing is saved
    private final Path directory;
    private volatile String told = "";

    private Salvage(GuestProcess process, Path directory) {
        this.process = process;
        this.directory = directory;
        this.image = directory == null ? null : new HalfImage(directory);
    }

    /**
     * For migrations of {@code process} that begin from here on.
     *
     * @param directory null: nothing is saved
     * @throws IOException if nothing could be saved there
     */
    static Salvage of(GuestProcess process, Path directory, Termination termination) throws IOException {
        Salvage salvage = new Salvage(process, directory);
        if (directory != null) {
            salvage.image.checkFree();
        }
        process.control().salvage(salvage);
        termination.onSignal(() -> {
            boolean inPostcopy = salvage.inPostcopy();
            if (inPostcopy) {
                process.quit().complete(null);
            }
            return inPostcopy;
        });
        return salvage;
    }

    private boolean inPostcopy() {
        MigrationControl control = process.control();
        return control.outgoing().filter(out -> out.state().postcopy()).isPresent()
                || control.incoming().filter(in -> in.state().postcopy()).isPresent();
    }

    /**
     * The process was told to quit: gives up what is in postcopy, and waits for its end.
     *
     * @throws IOException with the last word on it, if something was
     */
    void quit() throws IOException {
        MigrationControl control = process.control();
        if (control.abandonPostcopy(WHY)) {
            control.outgoing().ifPresent(out -> out.completion().join());
            control.incoming().ifPresent(in -> in.completion().join());
            if (!told.isEmpty()) { // else it came to its end meanwhile
                throw new IOException("postcopy given up, as " + WHY + told);
            }
        }
    }

    @Override
    public void accept(HalfState half) {
        String side = half.side().name().toLowerCase(Locale.ROOT);
        if (image == null) {
            told = "; what the %s had of the guest is lost, --salvage DIR would have saved it".formatted(side);
            return;
        }
        try {
            DeviceTail devices = half.devices() == null ? process.runtime().saveDevices() : half.devices();
            Manifest saved = image.write(half, process.runtime().uuid(), devices);
            told = "; what the %s had of the guest, %d of %d pages, is in %s: transhume merge makes it whole again"
                    .formatted(side, saved.half().presentPages(), half.memory().size() / PageSize.BYTES, directory);
        } catch (IOException | RuntimeException e) {
            told = "; what the %s had of the guest could not be saved in %s: %s"
                    .formatted(side, directory, MigrationException.reasonOf(e));
        }
    }

    /** What became of it, to be added to a reason; empty if there was nothing. */
    String told() {
        return told;
    }
}
