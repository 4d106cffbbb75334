package org.transhume.control.inspect;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.transhume.channels.qemu.CorruptStreamException;
import org.transhume.channels.qemu.HandoverRecord;
import org.transhume.channels.qemu.ReceivedPages;
import org.transhume.channels.qemu.ReturnPathMessage;
import org.transhume.channels.qemu.StreamReader;
import org.transhume.memory.PageSize;

/** Walks through what a destination said. Needs no block list: whether a request is inside of its block is not looked at. */
final class ReturnPathWalk {
    private final StreamReader in;
    private final List<String> messages = new ArrayList<>();
    private String block;
    private long requested;
    private long received;

    ReturnPathWalk(StreamReader in) {
        this.in = in;
    }

    StreamSummary walk(Path file) throws IOException {
        String error = null;
        try {
            boolean more = true;
            while (more) {
                more = next();
            }
        } catch (CorruptStreamException e) {
            error = e.getMessage();
        }
        tellRequested();
        return StreamSummary.ofPages(file, CaptureKind.RETURN_PATH.channel, in.offset(), messages, 0, List.of(), error);
    }

    private boolean next() throws IOException {
        long at = in.offset();
        ReturnPathMessage message = ReturnPathMessage.read(in);
        switch (message) {
            case null -> {
                return false;
            }
            case ReturnPathMessage.RequestPages request -> requested(at, request);
            case ReturnPathMessage.Shut(int status) -> tell("SHUT " + status);
            case ReturnPathMessage.Pong(int value) -> tell("PONG " + value);
            case ReturnPathMessage.ReceivedBitmap(String name) ->
                tell("RECV_BITMAP %s with %d pages".formatted(name, receivedPages()));
            case ReturnPathMessage.ResumeAck(int status) -> tell("RESUME_ACK " + status);
            case ReturnPathMessage.SwitchoverAck() -> tell("SWITCHOVER_ACK");
            case ReturnPathMessage.Handover(HandoverRecord record) ->
                tell(record.code().toString());
        }
        return true;
    }

    private void tell(String message) {
        tellRequested();
        messages.add(message);
    }

    private void requested(long at, ReturnPathMessage.RequestPages request) {
        String name = Objects.requireNonNullElse(request.block(), block);
        if (name == null) {
            throw in.corrupt(at, "a request for pages of the same block as before, but no block was named yet");
        }
        if (!name.equals(block)) {
            tellRequested();
        }
        block = name;
        requested += request.length() / PageSize.BYTES;
    }

    /** All of one go in one line: a guest asks for thousands. */
    private void tellRequested() {
        if (requested > 0) {
            messages.add("REQ_PAGES of %d pages of %s".formatted(requested, block));
            requested = 0;
        }
    }

    /** As many as the bitmap says, whose size is all that is known of its block. */
    private long receivedPages() throws IOException {
        received = 0;
        ReceivedPages.read(in, in.peek64() * Byte.SIZE, (_, bits) -> received += Long.bitCount(bits));
        return received;
    }
}
