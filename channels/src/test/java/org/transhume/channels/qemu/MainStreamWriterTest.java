package org.transhume.channels.qemu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** Byte for byte what the specification shows (spec: stream.md §1, §2, §7.1). */
class MainStreamWriterTest {
    private static final List<BlockEntry> BLOCKS =
            List.of(new BlockEntry("pc.ram", 0x2000000, 0x100), new BlockEntry("pc.bios", 0x40000));

    private static String written(Wired.MainWriting writing) throws IOException {
        return Wired.hex(Wired.mainWritten(0x4d, writing));
    }

    @Test
    void theHeaderOfAQ35IsTheOneThatQemuSends() throws Exception {
        assertEquals(
                Wired.spec("5145564d 00000003 07 0000000b 70632d7133352d31302e30"),
                written(out -> out.header(new StreamHeader("pc-q35-10.0"))));
    }

    @Test
    void configurationSubsectionsComeInTheirFixedOrder() throws Exception {
        SequencedMap<String, Long> extensions = new LinkedHashMap<>(Map.of("x-hole-runs", 1L));
        StreamHeader header = new StreamHeader(
                "m", List.of("x-ignore-shared", "x-hole-runs"), new UUID(0x0102030405060708L, 9), extensions);

        String capabilities = "05 1a 636f6e66696775726174696f6e2f6361706162696c6974696573 00000001 00000002"
                + "0f 782d69676e6f72652d736861726564 0b 782d686f6c652d72756e73";
        String uuid = "05 12 636f6e66696775726174696f6e2f75756964 00000001 0102030405060708 0000000000000009";
        String ours = "05 17 636f6e66696775726174696f6e2f7472616e7368756d65 00000001"
                + "5452484d 0001 00000016 0001 0b 782d686f6c652d72756e73 0000000000000001";
        assertEquals(
                Wired.spec("5145564d 00000003 07 00000001 6d", capabilities, uuid, ours),
                written(out -> out.header(header)));
    }

    @Test
    void aMachineNeedsAName() {
        assertThrows(IllegalArgumentException.class, () -> new StreamHeader(""));
        assertThrows(IllegalArgumentException.class, () -> new StreamHeader("m".repeat(256)));
    }

    @Test
    void commandsHaveALengthAndNoFooter() throws Exception {
        assertEquals(Wired.spec("08 0001 0000"), written(out -> out.command(new Command.OpenReturnPath())));
        assertEquals(Wired.spec("08 0002 0004 00000001"), written(out -> out.command(new Command.Ping(1))));
        assertEquals(Wired.spec("08 000b 0000"), written(out -> out.command(new Command.SwitchoverStart())));
        assertEquals(
                Wired.spec("08 0003 0010 0000000000001000 0000000000001000"),
                written(out -> out.command(new Command.PostcopyAdvise(0x1000))));
        assertEquals(
                Wired.spec("08 000a 0007 06 70632e72616d"),
                written(out -> out.command(new Command.RecvBitmap("pc.ram"))));
        assertEquals(Wired.spec("08 0009 0000"), written(out -> out.command(new Command.PostcopyResume())));
    }

    @Test
    void twelveRangesAreDiscardedByOneCommandAndTheRestByTheNext() throws Exception {
        long[] ranges = new long[2 * 20];
        StringBuilder twelve = new StringBuilder();
        for (int i = 0; i < 13; i++) {
            ranges[2 * i] = i * 0x3000L;
            ranges[2 * i + 1] = 0x1000;
            if (i < 12) {
                twelve.append("%016x%016x".formatted(i * 0x3000L, 0x1000));
            }
        }
        String prefix = written(out -> out.blocks(BLOCKS, false));

        assertEquals(
                prefix
                        + Wired.spec("08 0006 00ca 00 07 70632e62696f73 00" + twelve)
                        + Wired.spec("08 0006 001a 00 07 70632e62696f73 00 0000000000024000 0000000000001000"),
                written(out -> {
                    out.blocks(BLOCKS, false);
                    out.discard(1, ranges, 13);
                    out.discard(1, ranges, 0);
                }));
    }

    @Test
    void thePackageHoldsTheDevicesBetweenListenAndRunAndThePageBehindItNamesItsBlock() throws Exception {
        DeviceTail devices =
                new DeviceTail(Wired.bytes("04 00000001 01 64 00000000 00000001 7e 00000001"), new byte[] {'{'});
        String prefix = written(out -> out.blocks(BLOCKS, false));

        assertEquals(
                prefix
                        + Wired.spec(
                                "0000000000000002 06 70632e72616d 00",
                                "08 0007 0004 00000027",
                                "08 0004 0000",
                                "04 00000001 01 64 00000000 00000001 7e 00000001",
                                "08 0002 0004 00000003",
                                "08 0005 0000",
                                "0000000000001002 06 70632e72616d 00"),
                written(out -> {
                    out.blocks(BLOCKS, false);
                    out.zeroPage(0, 0);
                    out.packaged(devices, 3);
                    out.run();
                    out.zeroPage(0, 0x1000);
                }));
    }

    @Test
    void moreDevicesThanADestinationTakesAreNotPacked() {
        DeviceTail devices = new DeviceTail(new byte[PostcopyPackage.MAX_BYTES], null);

        assertThrows(IllegalArgumentException.class, () -> written(out -> out.packaged(devices, 3)));
    }

    @Test
    void aBlockIsNamedAgainWhenAskedFor() throws Exception {
        String prefix = written(out -> out.blocks(BLOCKS, false));

        assertEquals(prefix + Wired.spec("0000000000000002 06 70632e72616d 00").repeat(2), written(out -> {
            out.blocks(BLOCKS, false);
            out.zeroPage(0, 0);
            out.nameBlocks();
            out.zeroPage(0, 0);
        }));
    }

    @Test
    void theStartOfRamListsEveryBlock() throws Exception {
        assertEquals(
                Wired.spec(
                        "01 0000004d 03 72616d 00000000 00000004",
                        "0000000002040004 06 70632e72616d 0000000002000000 07 70632e62696f73 0000000000040000",
                        "0000000000000200 0000000000000010 7e 0000004d"),
                written(out -> {
                    out.section(SectionKind.START);
                    out.blocks(BLOCKS, false);
                    out.multifdFlush();
                    out.endOfSection();
                }));
    }

    @Test
    void guestAddressesTravelOnlyWhenAskedFor() throws Exception {
        assertEquals(
                Wired.spec(
                        "0000000002040004 06 70632e72616d 0000000002000000 0000000000000100",
                        "07 70632e62696f73 0000000000040000 0000000000000000"),
                written(out -> out.blocks(BLOCKS, true)));
    }

    @Test
    void aPageNamesItsBlockOnlyWhereItChangesAlsoAcrossSections() throws Exception {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment ram = arena.allocate(0x3000);
            ram.asSlice(0x2000, 0x1000).fill((byte) 0xab);
            String prefix = written(out -> out.blocks(BLOCKS, false));

            assertEquals(
                    prefix
                            + Wired.spec(
                                    "02 0000004d",
                                    "0000000000001002 06 70632e72616d 00",
                                    "0000000000002028",
                                    "ab".repeat(0x1000),
                                    "0000000000000010 7e 0000004d",
                                    "03 0000004d",
                                    "0000000000003022 00",
                                    "0000000000000002 07 70632e62696f73 00",
                                    "0000000000001420 0000000000002000",
                                    "0000000000000010 7e 0000004d"),
                    written(out -> {
                        out.blocks(BLOCKS, false);
                        out.section(SectionKind.PART);
                        out.zeroPage(0, 0x1000);
                        out.page(0, 0x2000, ram);
                        out.endOfSection();
                        out.section(SectionKind.END);
                        out.zeroPage(0, 0x3000);
                        out.zeroPage(1, 0);
                        out.holeRun(1, 0x1000, 0x2000);
                        out.endOfSection();
                    }));
        }
    }

    @Test
    void theHandOverByteOpensTheEndAndTheDevicesStandBeforeIt() throws Exception {
        DeviceTail tail = new DeviceTail(Wired.bytes("04 00000001"), Wired.bytes("7b7d"));

        assertEquals(Wired.spec("04 00000001"), written(out -> out.devices(tail)));
        assertEquals(Wired.spec("00 06 00000002 7b7d"), written(out -> out.end(tail)));
        assertEquals("00", written(out -> out.end(new DeviceTail(new byte[3], null))));
    }
}
