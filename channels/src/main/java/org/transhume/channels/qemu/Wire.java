package org.transhume.channels.qemu;

import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** The codes of the stream, written out and fixed for ever (spec: stream.md §1.2, §2.1). */
final class Wire {
    static final ValueLayout.OfShort BE16 = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    static final ValueLayout.OfInt BE32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    static final ValueLayout.OfLong BE64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    static final int MAGIC = 0x5145564D;
    static final int VERSION = 3;

    static final int EOF = 0x00;
    static final int SECTION_START = 0x01;
    static final int SECTION_PART = 0x02;
    static final int SECTION_END = 0x03;
    static final int SECTION_FULL = 0x04;
    static final int SUBSECTION = 0x05;
    static final int VMDESCRIPTION = 0x06;
    static final int CONFIGURATION = 0x07;
    static final int COMMAND = 0x08;
    /** Ours, with {@code x-handover} in postcopy: the first byte of {@link HandoverRecord#MAGIC}. */
    static final int HANDOVER = HandoverRecord.MAGIC >>> 24;

    static final int SECTION_FOOTER = 0x7e;

    static final int RAM_VERSION = 4;

    static final int ZERO = 0x002;
    static final int MEM_SIZE = 0x004;
    static final int PAGE = 0x008;
    static final int EOS = 0x010;
    static final int CONTINUE = 0x020;
    static final int XBZRLE = 0x040;
    static final int COMPRESS_PAGE = 0x100;
    static final int MULTIFD_FLUSH = 0x200;
    /** Ours, with {@code x-hole-runs}: a range that was never written (docs/wire.md). */
    static final int HOLE_RUN = 0x400;
    /** Ours, with {@code x-ram-digest}: sums over groups of pages (docs/wire.md). */
    static final int DIGEST = 0x800;
    /** Bytes of RAM in a group. */
    static final long DIGEST_GROUP = 2 << 20;

    /** The only form of an XBZRLE record. */
    static final int XBZRLE_FORM = 1;

    static final int PAGE_BYTES = 4096;
    static final int FLAGS = PAGE_BYTES - 1;

    private Wire() {}
}
