package org.transhume.channels.qemu;

/**
 * The peer sent something that no sound migration stream holds. The message names the channel, the offset in it, what came
 * and what was expected; nothing else of that stream may be believed.
 */
public class CorruptStreamException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final long offset;

    /** @param offset bytes of the channel before the thing that is wrong */
    public CorruptStreamException(String channel, long offset, String what) {
        super("%s, offset %d (0x%x): %s".formatted(channel, offset, offset, what));
        this.offset = offset;
    }

    public long offset() {
        return offset;
    }
}
