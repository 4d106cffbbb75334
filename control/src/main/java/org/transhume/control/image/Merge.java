package org.transhume.control.image;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import org.transhume.channels.qemu.DeviceTail;
import org.transhume.channels.qemu.Dialect;
import org.transhume.memory.DirtyBitmap;
import org.transhume.memory.PageSize;

/**
 * Two halves of a guest, saved by the two sides of a postcopy that was given up, put together. A page comes from the destination
 * where it is there, which may have written it since; else from the source.
 */
public final class Merge {
    private final Path source;
    private final Path destination;

    /** What the operator says, where the halves cannot: that they are of one migration. */
    private final boolean sameMigration;

    public Merge(Path source, Path destination, boolean sameMigration) {
        this.source = source;
        this.destination = destination;
        this.sameMigration = sameMigration;
    }

    /**
     * What came of it.
     *
     * @param directory where the guest lies
     * @param machine of the guest
     * @param ramBytes of all blocks
     * @param destinationPages taken from the destination
     * @param sourcePages taken from the source
     * @param devicesFrom whose device state it is: "source" or "destination"
     */
    public record Report(
            String directory,
            String machine,
            long ramBytes,
            long destinationPages,
            long sourcePages,
            String devicesFrom) {}

    /** @throws IOException if the two do not make one guest; nothing is at {@code out} then */
    public Report write(Path out) throws IOException {
        NewDirectory.checkFree(out);
        SavedHalf left = SavedHalf.open(source, "source");
        SavedHalf right = SavedHalf.open(destination, "destination");
        checkSameGuest(left.manifest(), right.manifest());
        for (int block = 0; block < blocks(left).size(); block++) {
            checkComplete(block, left, right);
        }
        for (int block = 0; block < blocks(left).size(); block++) {
            left.checkContent(block);
            right.checkContent(block);
        }
        return write(out, left, right);
    }

    private static List<Manifest.Block> blocks(SavedHalf half) {
        return half.manifest().blocks();
    }

    private void checkSameGuest(Manifest left, Manifest right) throws IOException {
        checkAlike("machine", left.machine(), right.machine());
        checkAlike("uuid", left.uuid(), right.uuid());
        checkAlike("number of blocks", left.blocks().size(), right.blocks().size());
        for (int i = 0; i < left.blocks().size(); i++) {
            checkAlike(
                    "block %d".formatted(i),
                    shape(left.blocks().get(i)),
                    shape(right.blocks().get(i)));
        }
        UUID one = left.half().handover();
        UUID other = right.half().handover();
        if (one != null && other != null) {
            checkAlike("migration (handover)", one, other);
        } else if (!sameMigration) {
            throw new IOException(
                    "nothing in %s and %s says that they are of one migration (x-handover was off): make sure"
                                    .formatted(source, destination)
                            + " of it, and say --same-migration");
        }
    }

    private static String shape(Manifest.Block block) {
        return "'%s' of %d bytes".formatted(block.name(), block.size());
    }

    private void checkAlike(String what, Object left, Object right) throws IOException {
        if (!Objects.equals(left, right)) {
            throw new IOException("%s and %s are halves of different guests or migrations: %s %s and %s"
                    .formatted(source, destination, what, left, right));
        }
    }

    private static void checkComplete(int number, SavedHalf left, SavedHalf right) throws IOException {
        Manifest.Block block = blocks(left).get(number);
        try (DirtyBitmap all = left.present(number);
                DirtyBitmap there = right.present(number)) {
            all.merge(there);
            if (all.count() == all.pages()) {
                return;
            }
            long missing = all.pages() - all.count();
            long first = firstGap(all);
            throw new IOException("block '%s': page %d (offset 0x%x) is in neither half, %d pages in all: %s"
                    .formatted(
                            block.name(),
                            first,
                            first * PageSize.BYTES,
                            missing,
                            "they were on their way and given back at the source (release-ram), or the halves"
                                    + " are of different migrations"));
        }
    }

    private static long firstGap(DirtyBitmap present) {
        long page = 0;
        while (page < present.pages() && present.isMarked(page)) {
            page++;
        }
        return page;
    }

    private Report write(Path out, SavedHalf left, SavedHalf right) throws IOException {
        // The guest ran at the destination: its devices belong to the pages it wrote there.
        DeviceTail there = right.devices();
        DeviceTail devices = there == null ? left.devices() : there;
        if (devices == null) {
            throw new IOException(
                    "neither %s nor %s has device state: there is no guest without".formatted(source, destination));
        }
        try (NewDirectory fresh = NewDirectory.at(out)) {
            Path folder = fresh.working();
            Files.createDirectory(folder.resolve(GuestImage.BLOCKS));
            List<Manifest.Block> written = new ArrayList<>();
            long[] destinationPages = {0};
            for (int i = 0; i < blocks(left).size(); i++) {
                Manifest.Block block = blocks(left).get(i);
                String file = GuestImage.ramFile(i);
                String digest = merge(i, left, right, folder.resolve(file), destinationPages);
                written.add(new Manifest.Block(block.name(), block.size(), digest, file, null));
            }
            Files.write(folder.resolve(GuestImage.DEVICE_STATE), devices.toBytes());
            Manifest like = left.manifest();
            ManifestFile.write(
                    new Manifest(
                            Manifest.FORMAT,
                            like.machine(),
                            like.uuid(),
                            Dialect.ofMachine(like.machine()).toString(),
                            GuestImage.DEVICE_STATE,
                            written,
                            null,
                            null),
                    folder);
            fresh.publish();
            long bytes = written.stream().mapToLong(Manifest.Block::size).sum();
            return new Report(
                    out.toString(),
                    like.machine(),
                    bytes,
                    destinationPages[0],
                    bytes / PageSize.BYTES - destinationPages[0],
                    there == null ? "source" : "destination");
        }
    }

    private static String merge(int number, SavedHalf left, SavedHalf right, Path file, long[] destinationPages)
            throws IOException {
        long size = blocks(left).get(number).size();
        try (DirtyBitmap there = right.present(number);
                SavedHalf.Content older = left.content(number);
                SavedHalf.Content newer = right.content(number);
                RamFile out = new RamFile(file, size)) {
            long end = 0; // bytes in front of it are dealt with
            for (long page = 0; end < size; ) {
                long from = page == there.pages() ? -1 : there.nextMarked(page);
                long begin = from < 0 ? size : from * PageSize.BYTES;
                older.read(end, begin, out::write);
                page = from < 0 ? there.pages() : behind(there, from);
                end = page * PageSize.BYTES;
                newer.read(begin, end, out::write);
                destinationPages[0] += (end - begin) / PageSize.BYTES;
            }
            return out.finish();
        }
    }

    /** The first page behind {@code from} that is not marked. */
    private static long behind(DirtyBitmap present, long from) {
        long page = from;
        while (page < present.pages() && present.isMarked(page)) {
            page++;
        }
        return page;
    }
}
