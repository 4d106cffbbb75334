package org.transhume.memory;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeout;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.invoke.MethodHandle;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class WriteProtectSourceTest extends DirtySourceContract {
    @TempDir
    Path directory;

    @BeforeEach
    void needsTheKernel() {
        assumeTrue(
                WriteProtectSource.unavailable().isEmpty(),
                () -> WriteProtectSource.unavailable().orElseThrow());
    }

    @Override
    DirtySource source(GuestMemory memory) {
        return new WriteProtectSource(memory);
    }

    @Override
    void wrote(DirtySource source, int block, long page) {
        // Nobody has to say so.
    }

    @ParameterizedTest
    @EnumSource
    void seesWhatASystemCallWrites(RamKind kind) throws IOException {
        Path file = Files.write(directory.resolve("data"), new byte[PAGE]);
        try (GuestMemory memory = memory(kind, 64 * PAGE);
                DirtySource source = source(memory);
                FileChannel channel = FileChannel.open(file)) {
            RamBlock block = memory.blocks().getFirst();
            block.segment().fill((byte) 1);
            source.start();

            channel.read(block.segment().asSlice(17 * PAGE, PAGE).asByteBuffer());

            assertEquals(List.of(17L), harvested(source, 0, 64));
        }
    }

    @ParameterizedTest
    @EnumSource
    void tracksASparseTebibyteAtTheCostOfWhatItHolds(RamKind kind) {
        long pages = (1L << 40) / PAGE;
        try (GuestMemory memory = memory(kind, 1L << 40);
                DirtySource source = source(memory)) {
            for (long page = 0; page < pages; page += pages / 1000) {
                write(memory, source, 0, page);
            }

            assertTimeout(Duration.ofSeconds(2), source::start); // over a second, were all of the range protected
            write(memory, source, 0, pages / 1000 * 500);
            write(memory, source, 0, pages - 1);

            List<Long> told = assertTimeout(Duration.ofSeconds(2), () -> harvested(source, 0, pages));

            assertEquals(List.of(pages / 1000 * 500, pages - 1), told);
        }
    }

    /** What swapping does to a shared page, done by hand: the page stays in the file, its page-table entry goes. */
    @Test
    void tellsAWrittenPageWhosePageTableEntryIsGone() throws Throwable {
        MethodHandle madvise = Linker.nativeLinker()
                .downcallHandle(
                        Linker.nativeLinker().defaultLookup().findOrThrow("madvise"),
                        FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT));
        int dontNeed = 4;
        try (GuestMemory memory = memory(RamKind.MEMFD, 64 * PAGE);
                DirtySource source = source(memory)) {
            RamBlock block = memory.blocks().getFirst();
            block.segment().fill((byte) 1);
            source.start();
            write(memory, source, 0, 12);

            int result = (int) madvise.invokeExact(block.address(), block.size(), dontNeed);
            List<Long> told = harvested(source, 0, 64);
            write(memory, source, 0, 13);

            assertEquals(0, result);
            assertTrue(told.contains(12L), told.toString());
            assertEquals(List.of(13L), harvested(source, 0, 64));
        }
    }

    @Test
    void tracksAFile() {
        Path file = directory.resolve("guest.ram");
        try (GuestMemory memory = new GuestMemory(List.of(RamBlock.file("pc.ram", file, 64 * PAGE, Access.SHARED)));
                DirtySource source = source(memory)) {
            memory.blocks().getFirst().segment().fill((byte) 1);
            source.start();
            write(memory, source, 0, 40);

            assertEquals(List.of(40L), harvested(source, 0, 64));
        }
    }

    @Test
    void tellsNothingOfAFileNobodyCanWrite() throws IOException {
        Path file = Files.write(directory.resolve("saved.ram"), new byte[64 * PAGE]);
        try (GuestMemory memory = new GuestMemory(List.of(RamBlock.file("pc.ram", file, 64 * PAGE, Access.READ_ONLY)));
                DirtySource source = source(memory)) {
            source.start();

            assertEquals(List.of(), harvested(source, 0, 64));
        }
    }

    @Test
    void keepsTheMemoryMappedUntilItIsClosed() {
        GuestMemory memory = memory(RamKind.MEMFD, 64 * PAGE);
        RamBlock block = memory.blocks().getFirst();
        try (DirtySource source = source(memory)) {
            source.start();

            memory.close();
            block.segment().set(JAVA_BYTE, 0, (byte) 1);

            assertEquals(List.of(0L), harvested(source, 0, 64));
        }
        assertThrows(IllegalStateException.class, () -> block.segment().get(JAVA_BYTE, 0));
    }

    @Test
    void leavesNothingWhenASecondTrackerIsRefused() {
        try (GuestMemory memory = memory(RamKind.MEMFD, 64 * PAGE);
                DirtySource first = source(memory);
                DirtySource second = source(memory)) {
            first.start();

            SystemCallException refusal = assertThrows(SystemCallException.class, second::start);
            write(memory, first, 0, 2);

            assertEquals("EBUSY", SystemCallException.name(refusal.errno()));
            assertEquals(List.of(2L), harvested(first, 0, 64));
        }
    }
}
