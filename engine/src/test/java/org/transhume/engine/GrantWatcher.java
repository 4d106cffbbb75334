package org.transhume.engine;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import org.transhume.channels.Connection;
import org.transhume.channels.IoVector;
import org.transhume.channels.ThroughConnection;
import org.transhume.channels.qemu.HandoverRecord;

/** A real connection that does something right before GRANT goes out, which it knows by its first bytes. */
final class GrantWatcher extends ThroughConnection {
    private static final ValueLayout.OfInt BE32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final int CODE_AT = 7;
    private static final int GRANT = 2;

    private final Runnable hook;

    GrantWatcher(Connection real, Runnable hook) {
        super(real);
        this.hook = hook;
    }

    @Override
    public void write(IoVector from) throws IOException {
        MemorySegment first = from.first();
        if (from.bytes() == HandoverRecord.BYTES
                && first.get(BE32, 0) == HandoverRecord.MAGIC
                && first.get(ValueLayout.JAVA_BYTE, CODE_AT) == GRANT) {
            hook.run();
        }
        real.write(from);
    }
}
