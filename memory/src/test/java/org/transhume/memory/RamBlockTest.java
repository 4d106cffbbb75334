package org.transhume.memory;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class RamBlockTest {
    private static final int PAGE = PageSize.BYTES;
    private static final long TEBIBYTE = 1L << 40;

    @RegisterExtension
    final GivesBackEverything givesBackEverything = new GivesBackEverything();

    @TempDir
    Path directory;

    @ParameterizedTest
    @EnumSource
    void showsTheSameBytesToEveryView(RamKind kind) {
        try (RamBlock block = kind.block("pc.ram", 5L << 30)) {
            long beyondAnInt = (5L << 30) - 8;

            block.segment().set(JAVA_LONG, beyondAnInt, 42);

            assertEquals(42, block.bytes().readLong(beyondAnInt));
            assertEquals(block.size(), block.bytes().realCapacity());
            assertEquals(block.address(), block.segment().address());
            assertEquals((5L << 30) / PAGE, block.pages());
        }
    }

    @ParameterizedTest
    @EnumSource
    void takesATebibyteAndTellsTheFewPagesWritten(RamKind kind) {
        try (RamBlock block = kind.block("huge", TEBIBYTE)) {
            block.segment().set(JAVA_BYTE, 0, (byte) 1);
            block.segment().set(JAVA_BYTE, TEBIBYTE / 2 + 5, (byte) 1);
            block.segment().set(JAVA_BYTE, TEBIBYTE / 2 + PAGE, (byte) 1);
            block.segment().set(JAVA_BYTE, TEBIBYTE - 1, (byte) 1);

            List<String> extents = extents(block);

            assertEquals(List.of("0+1", (TEBIBYTE / 2 / PAGE) + "+2", (TEBIBYTE / PAGE - 1) + "+1"), extents);
        }
    }

    @ParameterizedTest
    @EnumSource
    void tellsExtentsWithoutMakingPages(RamKind kind) {
        try (RamBlock block = kind.block("ram", 64L << 20)) {
            List<String> before = extents(block);

            List<String> after = extents(block);

            assertEquals(List.of(), before);
            assertEquals(List.of(), after);
        }
    }

    @Test
    void leavesOutTheHolesThatAPrivateBlockWasReadFrom() {
        try (RamBlock block = RamBlock.anonymous("ram", 64L << 20)) {
            block.segment().set(JAVA_BYTE, 3 * PAGE, (byte) 1);

            byte read = block.segment().get(JAVA_BYTE, 9 * PAGE);

            assertEquals(0, read);
            assertEquals(List.of("3+1"), extents(block));
        }
    }

    @Test
    void keepsAMemfdFromBeingTruncated() throws IOException {
        try (RamBlock block = RamBlock.memfd("ram", 4 * PAGE);
                FileChannel file = FileChannel.open(Path.of("/proc/self/fd/" + block.fd()), StandardOpenOption.WRITE)) {
            assertThrows(IOException.class, () -> file.truncate(PAGE));

            assertEquals(4 * PAGE, file.size());
            assertFalse(block.truncatable());
        }
    }

    @ParameterizedTest
    @EnumSource
    void unmapsWhenClosed(RamKind kind) throws IOException {
        RamBlock block = kind.block("ram", 1L << 20);
        boolean mapped = isMapped(block.address());

        block.close();
        block.close();

        assertTrue(mapped);
        assertFalse(isMapped(block.address()));
    }

    @ParameterizedTest
    @EnumSource
    void staysMappedUntilTheLastLeaseEnds(RamKind kind) throws IOException {
        RamBlock block = kind.block("ram", 1L << 20);
        Lease sender = block.lease("sender");
        Lease receiver = block.lease("receiver");

        block.close();
        sender.close();
        sender.close();
        block.segment().set(JAVA_BYTE, 5, (byte) 7);
        boolean mapped = isMapped(block.address());
        receiver.close();

        assertTrue(mapped);
        assertFalse(isMapped(block.address()));
        assertThrows(IllegalStateException.class, () -> block.segment().get(JAVA_BYTE, 5));
    }

    @Test
    void givesNoLeaseOnceClosed() {
        RamBlock block = RamBlock.memfd("pc.ram", PAGE);
        block.close();

        IllegalStateException refusal = assertThrows(IllegalStateException.class, () -> block.lease("sender"));

        assertEquals("block pc.ram is closed, no lease for sender", refusal.getMessage());
    }

    @ParameterizedTest
    @ValueSource(longs = {0, -4096, 1, 4097})
    void refusesASizeThatIsNotWholePages(long size) {
        assertThrows(IllegalArgumentException.class, () -> RamBlock.memfd("ram", size));
        assertThrows(IllegalArgumentException.class, () -> RamBlock.anonymous("ram", size));
    }

    @ParameterizedTest
    @EnumSource
    void saysWhichCallRefusedAnImpossibleSizeAndLeavesNothing(RamKind kind) {
        SystemCallException refusal =
                assertThrows(SystemCallException.class, () -> kind.block("pc.ram", Long.MAX_VALUE - PAGE + 1));

        assertTrue(refusal.getMessage().matches("(ftruncate|mmap) of pc.ram, \\d+ bytes: E[A-Z]+ \\(\\d+\\); .+"));
    }

    @Test
    void mapsAFileForReading() throws IOException {
        Path file = directory.resolve("saved.ram");
        Files.write(file, new byte[] {1, 2, 3, 4});
        grow(file, 2 * PAGE);

        try (RamBlock block = RamBlock.file("pc.ram", file, 2 * PAGE, Access.READ_ONLY)) {
            assertEquals(3, block.segment().get(JAVA_BYTE, 2));
            assertThrows(RuntimeException.class, () -> block.segment().set(JAVA_BYTE, 2, (byte) 9));
            assertTrue(block.truncatable());
            assertFalse(block.writable());
        }
    }

    @Test
    void refusesAFileThatIsTooShortToRead() throws IOException {
        Path file = directory.resolve("short.ram");
        Files.write(file, new byte[100]);

        IllegalArgumentException refusal = assertThrows(
                IllegalArgumentException.class, () -> RamBlock.file("pc.ram", file, 2 * PAGE, Access.READ_ONLY));

        assertEquals(file + " has 100 bytes, expected at least the 8192 of block pc.ram", refusal.getMessage());
    }

    @Test
    void createsAndExtendsASharedFileAndKeepsWhatIsWritten() throws IOException {
        Path file = directory.resolve("new.ram");
        try (RamBlock block = RamBlock.file("pc.ram", file, PAGE, Access.SHARED)) {
            block.segment().set(JAVA_BYTE, 7, (byte) 77);
        }

        try (RamBlock block = RamBlock.file("pc.ram", file, 3 * PAGE, Access.SHARED)) {
            block.segment().set(JAVA_BYTE, 2 * PAGE, (byte) 88);
        }

        byte[] kept = Files.readAllBytes(file);
        assertEquals(3 * PAGE, kept.length);
        assertEquals(77, kept[7]);
        assertEquals(88, kept[2 * PAGE]);
    }

    @Test
    void removesAFileItCreatedInVain() {
        Path file = directory.resolve("vain.ram");

        assertThrows(
                SystemCallException.class,
                () -> RamBlock.file("pc.ram", file, Long.MAX_VALUE - PAGE + 1, Access.SHARED));

        assertFalse(Files.exists(file));
    }

    @Test
    void saysWhatIsMissingWhereThereIsNoHugetlbfs() throws IOException {
        IllegalArgumentException refusal =
                assertThrows(IllegalArgumentException.class, () -> RamBlock.hugepages("pc.ram", directory, 2L << 20));

        assertTrue(refusal.getMessage().contains("mount -t hugetlbfs"), refusal.getMessage());
        try (var left = Files.list(directory)) {
            assertEquals(0, left.count());
        }
    }

    @Test
    void mapsHugePages() throws IOException {
        try (RamBlock block = RamBlock.hugepages("pc.ram", HugePages.mount(1), 2L << 20)) {
            block.segment().set(JAVA_BYTE, (2L << 20) - 1, (byte) 1);

            assertEquals(List.of("0+512"), extents(block));
        }
    }

    private static void grow(Path file, long size) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.write(java.nio.ByteBuffer.allocate(1), size - 1);
        }
    }

    private static List<String> extents(RamBlock block) {
        List<String> extents = new ArrayList<>();
        block.populatedExtents((offset, length) -> extents.add(offset / PAGE + "+" + length / PAGE));
        return extents;
    }

    private static boolean isMapped(long address) throws IOException {
        return Files.readAllLines(Path.of("/proc/self/maps")).stream()
                .map(line -> line.split("[- ]"))
                .anyMatch(line -> Long.parseUnsignedLong(line[0], 16) <= address
                        && address < Long.parseUnsignedLong(line[1], 16));
    }

    @Test
    void refusesToTakeACutFileForOneWithHoles(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("ram");
        try (RamBlock block = RamBlock.file("ram", file, 1 << 20, Access.SHARED)) {
            try (FileChannel cut = FileChannel.open(file, StandardOpenOption.WRITE)) {
                cut.truncate(4096);
            }

            IllegalStateException refused =
                    assertThrows(IllegalStateException.class, () -> block.populatedExtents((offset, length) -> {}));

            assertTrue(refused.getMessage().contains("cut to 4096 bytes, expected 1048576"), refused.getMessage());
        }
    }
}
