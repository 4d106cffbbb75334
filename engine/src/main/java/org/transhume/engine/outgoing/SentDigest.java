package org.transhume.engine.outgoing;

import java.io.IOException;
import org.transhume.channels.qemu.MainStreamParser;
import org.transhume.channels.qemu.MainStreamWriter;
import org.transhume.engine.Clock;
import org.transhume.engine.digest.DigestReport;
import org.transhume.engine.digest.PageRecorder;
import org.transhume.engine.digest.RamDigest;
import org.transhume.memory.GuestMemory;

/** The digest of what one migration sent, and its way into the stream; does nothing where {@code x-ram-digest} is off. */
final class SentDigest implements AutoCloseable {
    private static final double NANOS_PER_MILLI = 1e6;

    private final RamDigest digest;
    private final Clock clock;
    private final long[] sums = new long[2 * MainStreamParser.MAX_DIGEST_GROUPS];
    private int filled;
    private int block;
    private long from;
    private long groups;
    private volatile DigestReport report;

    SentDigest(boolean on, GuestMemory memory, Clock clock) {
        this.digest = on ? new RamDigest(memory) : null;
        this.clock = clock;
    }

    boolean on() {
        return digest != null;
    }

    /** For one thread. The first of a JVM waits until hashing is compiled. */
    PageRecorder recorder() {
        return new PageRecorder(digest);
    }

    /** Of the sums as they are now, in the pause; walks over a pair for each 2 MiB of RAM. */
    long bytes() {
        if (digest == null) {
            return 0;
        }
        long[] bytes = {0};
        digest.groups((_, _, _, _) -> bytes[0] += 2 * Long.BYTES);
        return bytes[0];
    }

    /** Every page was sent and every recorder flushed: the sums follow, part of a RAM section. */
    void send(MainStreamWriter out) throws IOException {
        if (digest == null) {
            return;
        }
        long start = clock.nanos();
        digest.<IOException>groups((in, group, first, second) -> {
            if (filled > 0 && (in != block || group != from + filled || filled == MainStreamParser.MAX_DIGEST_GROUPS)) {
                write(out);
            }
            if (filled == 0) {
                block = in;
                from = group;
            }
            sums[2 * filled] = first;
            sums[2 * filled + 1] = second;
            filled++;
        });
        write(out);
        out.endOfDigest();
        report = new DigestReport(digest.pages(), digest.hashed(), groups, (clock.nanos() - start) / NANOS_PER_MILLI);
    }

    private void write(MainStreamWriter out) throws IOException {
        if (filled > 0) {
            out.digest(block, from * RamDigest.GROUP, sums, filled);
            groups += filled;
            filled = 0;
        }
    }

    /** Null until it was sent. */
    DigestReport report() {
        return report;
    }

    @Override
    public void close() {
        if (digest != null) {
            digest.close();
        }
    }
}
