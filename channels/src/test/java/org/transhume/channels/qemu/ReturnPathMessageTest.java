package org.transhume.channels.qemu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

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
        assertEquals(Wired.spec("0007 0000"), written(new ReturnPathMessage.SwitchoverAck()));
        assertEquals(
                Wired.spec("5448 001c 5452484f 0001 0001 00000010 0000000000000001 0000000000000002"),
                written(new ReturnPathMessage.Handover(new HandoverRecord(HandoverRecord.Code.READY, new UUID(1, 2)))));
    }

    private static String written(ReturnPathMessage message) throws Exception {
        return Wired.hex(Wired.written(message::write));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 100})
    void whatWasWrittenIsReadUpToTheEndOfThePath(int most) throws Exception {
        List<ReturnPathMessage> messages = List.of(
                new ReturnPathMessage.Pong(-1),
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
        "page request,      0004 000c,               8",
        "bitmap,            0005 0007,               8",
        "unknown type,      0008 0000,               8",
        "short SHUT,        0001 0000,               8",
        "long PONG,         0002 0008 00000000, 8",
        "ACK with a body,   0007 0004 00000000,      8",
        "short READY,       5448 0010 5452484f 0001 0001 00000010 0000000000000001 0000000000000002, 8",
        "GRANT,             5448 001c 5452484f 0001 0002 00000010 0000000000000001 0000000000000002, 8",
        "READY without magic, 5448 001c 5452484d 0001 0001 00000010 0000000000000001 0000000000000002, 12",
        "READY version 2,   5448 001c 5452484f 0002 0001 00000010 0000000000000001 0000000000000002, 16",
        "word 7,            5448 001c 5452484f 0001 0007 00000010 0000000000000001 0000000000000002, 18",
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
