package org.transhume.control.image;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.transhume.channels.qemu.DeviceTail;
import org.transhume.memory.Access;
import org.transhume.memory.DirtyBitmap;
import org.transhume.memory.PageSize;
import org.transhume.memory.RamBlock;

/** A half that {@link HalfImage} wrote, read again: its pages through file calls, so that a file cut meanwhile is an error. */
final class SavedHalf {
    private static final int PIECE = 4 << 20;

    private final Path directory;
    private final Manifest manifest;
    private final ByteBuffer piece = ByteBuffer.allocateDirect(PIECE);

    private SavedHalf(Path directory, Manifest manifest) {
        this.directory = directory;
        this.manifest = manifest;
    }

    /** @param side that it must be of: "source" or "destination" */
    static SavedHalf open(Path directory, String side) throws IOException {
        Manifest manifest = ManifestFile.read(directory);
        Manifest.Half half = manifest.half();
        if (half == null) {
            throw new IOException("%s holds a whole guest, which needs no other half: send it as it is (transhume send)"
                    .formatted(directory));
        }
        if (!side.equals(half.side())) {
            throw new IOException("%s is the half of the %s, expected that of the %s: the source's comes first"
                    .formatted(directory, half.side(), side));
        }
        if (!half.stopped()) {
            throw new IOException(
                    "%s does not say that the guest was stopped: what it holds may be older than what ran on"
                            .formatted(directory));
        }
        return new SavedHalf(directory, manifest);
    }

    Path directory() {
        return directory;
    }

    Manifest manifest() {
        return manifest;
    }

    /** Null if its guest could not say it. */
    DeviceTail devices() throws IOException {
        return manifest.deviceState() == null
                ? null
                : DeviceTail.parse(Files.readAllBytes(ManifestFile.inside(directory, manifest.deviceState())));
    }

    /** Which pages of a block are in it. The caller closes it. */
    DirtyBitmap present(int number) throws IOException {
        Manifest.Block block = manifest.blocks().get(number);
        Manifest.Present list = block.present();
        return PresentPages.read(
                ManifestFile.inside(directory, list.file()), block.size() / PageSize.BYTES, list.sha256());
    }

    /** @throws IOException if a block does not hold what was saved */
    void checkContent(int number) throws IOException {
        Manifest.Block block = manifest.blocks().get(number);
        try (Content content = content(number)) {
            RamFile.Digest digest = new RamFile.Digest();
            long[] end = {0};
            content.read(0, block.size(), (bytes, offset) -> {
                digest.zeroes(offset - end[0]);
                end[0] = offset + bytes.remaining();
                digest.bytes(bytes);
            });
            digest.zeroes(block.size() - end[0]);
            if (!digest.hex().equals(block.sha256())) {
                throw new IOException("%s: it does not hold what the manifest says (sha256); it was changed or damaged"
                        .formatted(ManifestFile.inside(directory, block.file())));
            }
        }
    }

    /** The bytes of a block; the caller closes it. */
    Content content(int number) throws IOException {
        Manifest.Block block = manifest.blocks().get(number);
        return new Content(block, ManifestFile.inside(directory, block.file()));
    }

    /** Takes bytes, which are lent, and where they lie in the block. */
    interface BytesSink {
        void bytes(ByteBuffer bytes, long offset) throws IOException;
    }

    /** An open block. */
    final class Content implements AutoCloseable {
        private final Path file;
        private final FileChannel in;
        private final List<long[]> extents = new ArrayList<>();

        private Content(Manifest.Block block, Path file) throws IOException {
            this.file = file;
            // Mapped for a moment, to be asked where it holds something.
            try (RamBlock mapped = RamBlock.file(block.name(), file, block.size(), Access.READ_ONLY)) {
                mapped.populatedExtents((offset, length) -> extents.add(new long[] {offset, length}));
            }
            this.in = FileChannel.open(file, StandardOpenOption.READ);
        }

        /** Hands out what is between the two offsets, piece by piece; holes are left out, and are zeroes. */
        void read(long from, long to, BytesSink sink) throws IOException {
            for (int at = firstBehind(from); at < extents.size() && extents.get(at)[0] < to; at++) {
                long begin = Math.max(from, extents.get(at)[0]);
                long end = Math.min(to, extents.get(at)[0] + extents.get(at)[1]);
                for (long offset = begin; offset < end; ) {
                    piece.clear().limit((int) Math.min(PIECE, end - offset));
                    fill(offset);
                    int length = piece.flip().remaining();
                    sink.bytes(piece, offset);
                    offset += length;
                }
            }
        }

        /** The first extent that ends behind {@code offset}. */
        private int firstBehind(long offset) {
            int low = 0;
            for (int high = extents.size(); low < high; ) {
                int middle = (low + high) >>> 1;
                if (extents.get(middle)[0] + extents.get(middle)[1] > offset) {
                    high = middle;
                } else {
                    low = middle + 1;
                }
            }
            return low;
        }

        private void fill(long offset) throws IOException {
            while (piece.hasRemaining()) {
                if (in.read(piece, offset + piece.position()) < 0) {
                    throw new IOException("%s: it was cut while it was read".formatted(file));
                }
            }
        }

        @Override
        public void close() throws IOException {
            in.close();
        }
    }
}
