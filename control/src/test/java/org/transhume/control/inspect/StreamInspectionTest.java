package org.transhume.control.inspect;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.transhume.channels.Address;
import org.transhume.channels.Connection;
import org.transhume.channels.Connections;
import org.transhume.channels.qemu.BlockEntry;
import org.transhume.channels.qemu.DeviceTail;
import org.transhume.channels.qemu.MainStreamParser;
import org.transhume.channels.qemu.MainStreamWriter;
import org.transhume.channels.qemu.MultifdHello;
import org.transhume.channels.qemu.MultifdMethod;
import org.transhume.channels.qemu.MultifdPacket;
import org.transhume.channels.qemu.SectionKind;
import org.transhume.channels.qemu.StreamHeader;
import org.transhume.channels.qemu.StreamWriter;

class StreamInspectionTest {
    @TempDir
    Path directory;

    @Test
    void countsPagesOfEveryKindHoweverLongTheyAre() throws Exception {
        Path file = directory.resolve("main");
        try (Arena arena = Arena.ofConfined();
                Connection to = written(file);
                MainStreamWriter out = new MainStreamWriter(new StreamWriter(to), 3)) {
            MemorySegment bytes = arena.allocate(MainStreamParser.MAX_COMPRESSED_PAGE);
            out.header(new StreamHeader("pc-q35-7.2", List.of(), null, new LinkedHashMap<>()));
            out.section(SectionKind.START);
            out.blocks(List.of(new BlockEntry("pc.ram", 0x4000)), false);
            out.endOfSection();
            out.section(SectionKind.END);
            out.zeroPage(0, 0);
            out.pageCopy(0, 0x1000, bytes, 0);
            out.compressedPage(0, 0x2000, bytes, 0, MainStreamParser.MAX_COMPRESSED_PAGE);
            out.deltaPage(0, 0x3000, bytes, 0, 4096);
            out.deltaPage(0, 0x3000, bytes, 0, 3);
            out.endOfSection();
            out.end(new DeviceTail(new byte[0], null));
            out.flush();
        }

        StreamSummary summary = new StreamInspection().of(file);

        assertNull(summary.error());
        assertEquals(List.of(new StreamSummary.Block("pc.ram", 0x4000, 1, 1, 0, 2, 1)), summary.blocks());
    }

    @Test
    void countsPagesOfPacketsByTheirForm() throws Exception {
        Path file = directory.resolve("channel");
        try (Arena arena = Arena.ofConfined();
                Connection to = written(file)) {
            try (StreamWriter hello = new StreamWriter(to)) {
                new MultifdHello(1, null).write(hello);
            }
            MultifdPacket packet = new MultifdPacket(arena);
            for (MultifdMethod method : MultifdMethod.values()) {
                int bytes = method == MultifdMethod.NONE ? 8192 : 5000;
                packet.pages("pc.ram", 0);
                packet.offset(0, 0);
                packet.offset(1, 0x1000);
                packet.counts(2, 0);
                packet.data(method, bytes);
                to.write(packet.frame(), 0, MultifdPacket.BYTES);
                to.write(arena.allocate(bytes), 0, bytes);
            }
        }

        StreamSummary summary = new StreamInspection().of(file);

        assertNull(summary.error());
        assertEquals("multifd channel 1", summary.channel());
        assertEquals(List.of(new StreamSummary.Block("pc.ram", -1, 2, 0, 0, 2, 6)), summary.blocks());
    }

    @Test
    void saysWhereAStreamIsCut() throws Exception {
        countsPagesOfPacketsByTheirForm();
        byte[] whole = Files.readAllBytes(directory.resolve("channel"));
        Path cut = Files.write(directory.resolve("cut"), Arrays.copyOf(whole, whole.length - 1));

        StreamSummary summary = new StreamInspection().of(cut);

        assertTrue(summary.error().contains("offset " + (whole.length - 1)), summary.error());
    }

    @Test
    void readsThePostcopyOfAQemuWithWhatWasDiscardedAndPacked() throws Exception {
        Path file = captured("postcopy-10.0.2");

        StreamSummary summary = new StreamInspection().of(file);

        assertNull(summary.error());
        assertEquals(Files.size(file), summary.bytes());
        assertEquals(
                List.of(
                        "OPEN_RETURN_PATH",
                        "PING 1",
                        "POSTCOPY_ADVISE",
                        "SWITCHOVER_START",
                        "POSTCOPY_RAM_DISCARD of 11347 pages",
                        "PING 2",
                        "PACKAGED of 33977 bytes",
                        "PING 4"),
                summary.commands());
        assertEquals(
                441,
                summary.blocks().stream().mapToLong(StreamSummary.Block::normal).sum());
        assertTrue(summary.devices().size() > 20, () -> summary.devices().toString());
    }

    @Test
    void readsWhatTheDestinationOfAPostcopySaid() throws Exception {
        StreamSummary summary = new StreamInspection().of(captured("postcopy-10.0.2-return"));

        assertNull(summary.error());
        assertEquals("return path", summary.channel());
        assertEquals(452, summary.bytes());
        assertEquals(
                List.of(
                        "PONG 1",
                        "PONG 2",
                        "PONG 3",
                        "PONG 4",
                        "REQ_PAGES of 1 pages of pc.bios",
                        "REQ_PAGES of 2 pages of pc.ram",
                        "REQ_PAGES of 1 pages of 0000:00:01.0/vga.vram",
                        "REQ_PAGES of 19 pages of pc.ram",
                        "SHUT 0"),
                summary.commands());
    }

    @Test
    void readsAPostcopyThatWasCutAndWentOn() throws Exception {
        StreamInspection inspection = new StreamInspection();

        StreamSummary first = inspection.of(captured("postcopy-recover-10.0.2-1-forward"));
        StreamSummary second = inspection.of(captured("postcopy-recover-10.0.2-2-forward"));
        StreamSummary answers = inspection.of(captured("postcopy-recover-10.0.2-2-return"));

        assertTrue(first.error().startsWith("main, offset 962347 "), first.error());
        assertNull(second.error());
        assertEquals("resumed main", second.channel());
        assertEquals("pc-q35-10.0", second.machine());
        assertEquals(1056293, second.bytes());
        assertEquals(8, second.commands().size());
        assertEquals("RECV_BITMAP pc.ram", second.commands().getFirst());
        assertEquals("POSTCOPY_RESUME", second.commands().getLast());
        assertEquals(457, pages(first) + pages(second));
        assertNull(answers.error());
        assertTrue(
                answers.commands().contains("RECV_BITMAP /rom@etc/acpi/rsdp with 1 pages"),
                answers.commands()::toString);
        assertTrue(answers.commands().contains("RESUME_ACK 1"), answers.commands()::toString);
    }

    @Test
    void readsTheChannelOfThePagesThatWereAskedFor() throws Exception {
        StreamInspection inspection = new StreamInspection();
        Path preempt = captured("postcopy-preempt-10.0.2-preempt");

        StreamSummary alone = inspection.of(preempt);
        StreamSummary main = inspection.of(captured("postcopy-preempt-10.0.2-forward"));
        StreamSummary summary = inspection.of(preempt);

        assertTrue(alone.error().endsWith("name that one with --main"), alone.error());
        assertNull(main.error());
        assertNull(summary.error());
        assertEquals("preempt", summary.channel());
        assertEquals(997453, summary.bytes());
        assertEquals(
                259,
                summary.blocks().stream().mapToLong(b -> b.normal() + b.zero()).sum());
    }

    @Test
    void aResumedStreamIsNotReadWithTheBlocksOfAMigrationWithoutPostcopy() throws Exception {
        StreamInspection inspection = new StreamInspection();
        countsPagesOfEveryKindHoweverLongTheyAre();
        inspection.of(directory.resolve("main"));

        StreamSummary resumed = inspection.of(captured("postcopy-recover-10.0.2-2-forward"));

        assertTrue(resumed.error().contains("the resumed main channel of a postcopy"), resumed.error());
    }

    private static long pages(StreamSummary summary) {
        return summary.blocks().stream().mapToLong(StreamSummary.Block::normal).sum();
    }

    private Path captured(String name) throws IOException {
        Path packed = Path.of("..", "channels/src/test/resources/qemu", name + ".bin.gz");
        Path file = directory.resolve(name + ".bin");
        try (InputStream in = new GZIPInputStream(Files.newInputStream(packed))) {
            Files.copy(in, file);
        }
        return file;
    }

    private static Connection written(Path file) throws IOException {
        return Connections.connect(new Address.File(file, 0), Duration.ofSeconds(5));
    }
}
