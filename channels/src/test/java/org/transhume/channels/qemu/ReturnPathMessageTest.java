package org.transhume.channels.qemu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The way back (spec: stream.md §7.2). */
class ReturnPathMessageTest {
    @Test
    void messagesAreATypeALengthAndThatManyBytes() throws Exception {
        assertEquals(Wired.spec("0001 0004 00000000"), written(new ReturnPathMessage.Shut(0)));
        assertEquals(Wired.spec("0002 0004 00000001"), written(new ReturnPathMessage.Pong(1)));
        assertEquals(
                Wired.spec("0003 0022 0000000000000000 00001000 15 303030303a30303a30312e302f7667612e7672616d"),
                written(new ReturnPathMessage.RequestPages("0000:00:01.0/vga.vram", 0, 4096)));
        assertEquals(
                Wired.spec("0004 000c 0000000000006000 00001000"),
                written(new ReturnPathMessage.RequestPages(null, 0x6000, 4096)));
        assertEquals(Wired.spec("0005 0007 06 70632e72616d"), written(new ReturnPathMessage.ReceivedBitmap("pc.ram")));
        assertEquals(Wired.spec("0006 0004 00000001"), written(new ReturnPathMessage.ResumeAck(1)));
        assertEquals(Wired.spec("0007 0000"), written(new ReturnPathMessage.SwitchoverAck()));
        assertEquals(
                Wired.spec("5448 001c 5452484f 0001 0001 00000010 0000000000000001 0000000000000002"),
                written(new ReturnPathMessage.Handover(new HandoverRecord(HandoverRecord.Code.READY, new UUID(1, 2)))));
    }

    @Test
    void aPageIsAskedForWithoutAllocatingAnything() throws Exception {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        byte[] name = "pc.ram".getBytes(StandardCharsets.ISO_8859_1);
        try (StreamWriter out = new StreamWriter(BytesConnection.forgetting())) {
            long least = Long.MAX_VALUE; // the interpreter and the compiler at work allocate; compiled code must not
            for (int round = 0; round < 50 && least > 0; round++) {
                long before = threads.getCurrentThreadAllocatedBytes();
                for (int i = 0; i < 10_000; i++) {
                    ReturnPathMessage.writeRequest(out, (i & 1) == 0 ? name : null, 4096L * i, 4096);
                }
                least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
            }

            assertTrue(least < 2000, least + " bytes for 10000 requests"); // the counter itself is not always exact
        }
    }

    private static String written(ReturnPathMessage message) throws Exception {
        return Wired.hex(Wired.written(message::write));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 100})
    void whatWasWrittenIsReadUpToTheEndOfThePath(int most) throws Exception {
        List<ReturnPathMessage> messages = List.of(
                new ReturnPathMessage.Pong(-1),
                new ReturnPathMessage.RequestPages("pc.ram", 1L << 40, 1 << 30),
                new ReturnPathMessage.RequestPages(null, 0, 4096),
                new ReturnPathMessage.RequestPages("\u00e9", 4096, 8192),
                new ReturnPathMessage.ReceivedBitmap("pc.bios"),
                new ReturnPathMessage.ResumeAck(-1),
                new ReturnPathMessage.SwitchoverAck(),
                new ReturnPathMessage.Handover(new HandoverRecord(HandoverRecord.Code.READY, UUID.randomUUID())),
                new ReturnPathMessage.Shut(5));
        byte[] bytes = Wired.written(out -> {
            for (ReturnPathMessage message : messages) {
                message.write(out);
            }
        });

        try (StreamReader in = new StreamReader(new BytesConnection(bytes, most, false), "return path")) {
            for (ReturnPathMessage message : messages) {
                assertEquals(message, ReturnPathMessage.read(in));
            }
            assertNull(ReturnPathMessage.read(in));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "no such type,      0000 0000,               8",
        "short request,     0004 0008 0000000000001000 00001000, 8",
        "long request,      0004 0010 0000000000001000 00001000, 8",
        "name too long,     0003 000e 0000000000001000 00001000 02 6162, 8",
        "name too short,    0003 000f 0000000000001000 00001000 01 61, 8",
        "misaligned start,  0004 000c 0000000000001001 00001000, 8",
        "negative start,    0004 000c 8000000000001000 00001000, 8",
        "no pages,          0004 000c 0000000000001000 00000000, 8",
        "part of a page,    0004 000c 0000000000001000 00001800, 8",
        "negative length,   0004 000c 0000000000001000 fffff000, 8",
        "cut in a request,  0004 000c 0000000000001000 0000, 22",
        "bitmap of nobody,  0005 0000 00,            8",
        "bitmap of more,    0005 0003 01 6162,       8",
        "cut bitmap,        0005 0007 06 7063,       15",
        "short resume,      0006 0002 0001,          8",
        "unknown type,      0008 0000,               8",
        "short SHUT,        0001 0000,               8",
        "long PONG,         0002 0008 00000000, 8",
        "ACK with a body,   0007 0004 00000000,      8",
        "short READY,       5448 0010 5452484f 0001 0001 00000010 0000000000000001 0000000000000002, 8",
        "GRANT,             5448 001c 5452484f 0001 0002 00000010 0000000000000001 0000000000000002, 8",
        "READY without magic, 5448 001c 5452484d 0001 0001 00000010 0000000000000001 0000000000000002, 12",
        "READY version 2,   5448 001c 5452484f 0002 0001 00000010 0000000000000001 0000000000000002, 16",
        "word 8,            5448 001c 5452484f 0001 0008 00000010 0000000000000001 0000000000000002, 18",
        "READY of length 8, 5448 001c 5452484f 0001 0001 00000008 0000000000000001 0000000000000002, 20",
        "cut in READY,      5448 001c 5452484f 0001 0001 00000010 0000000000000001, 32",
        "cut in the length, 0001 00,                 11",
        "cut in the body,   0001 0004 000000,        15",
    })
    void anythingElseIsRefusedWithItsOffset(String what, String message, long offset) throws Exception {

        byte[] bytes = Wired.bytes("0002 0004 00000001", message);
        try (StreamReader in = new StreamReader(new BytesConnection(bytes, 100, false), "return path")) {
            ReturnPathMessage.read(in);

            CorruptStreamException refusal =
                    assertThrows(CorruptStreamException.class, () -> ReturnPathMessage.read(in), what);

            assertEquals(offset, refusal.offset(), refusal.getMessage());
        }
    }
}
