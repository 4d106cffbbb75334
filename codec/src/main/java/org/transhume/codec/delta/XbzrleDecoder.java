package org.transhume.codec.delta;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;
import org.transhume.codec.CorruptDataException;

/**
 * Applies a delta to the page that it was made from (spec: stream.md §3.1). Any thread. Guest memory is touched by plain
 * loads and stores only, so that a truncated file behind it is an {@link InternalError} and not the end of the JVM.
 */
public final class XbzrleDecoder {
    private static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;
    private static final int MANY = 128;

    private XbzrleDecoder() {}

    /**
     * Applies the delta of {@code length} bytes at {@code at} to the 4096 bytes at {@code pageAt}. Nothing outside of the
     * page is written, and nothing outside of the delta read, whatever it says.
     *
     * @throws CorruptDataException if it is no delta; the page is then undefined, its neighbours are intact
     * @throws IndexOutOfBoundsException if the delta or the page is not all within its segment
     */
    public static void decode(MemorySegment in, long at, int length, MemorySegment memory, long pageAt) {
        Objects.checkFromIndexSize(at, length, in.byteSize());
        Objects.checkFromIndexSize(pageAt, Page.BYTES, memory.byteSize());
        if (length < 1 || length > Page.BYTES) {
            throw new CorruptDataException("XBZRLE: delta of %d bytes, expected 1..%d".formatted(length, Page.BYTES));
        }
        int position = 0; // in the delta
        int done = 0; // bytes of the page
        while (position < length) {
            int from = position;
            checkTwoLeft(position, length, "a run of unchanged bytes");
            int equal = in.get(BYTE, at + position++);
            if (equal < 0) {
                equal = longLength(equal, in.get(BYTE, at + position), position++);
            }
            if (equal > Page.BYTES - done) {
                throw tooLong("unchanged", equal, from, done);
            }
            if (equal == 0 && from != 0) {
                throw empty("unchanged", from);
            }
            done += equal;

            from = position;
            checkTwoLeft(position, length, "a run of new bytes");
            int run = in.get(BYTE, at + position++);
            if (run < 0) {
                run = longLength(run, in.get(BYTE, at + position), position++);
            }
            if (run > Page.BYTES - done) {
                throw tooLong("new", run, from, done);
            }
            if (run == 0) {
                throw empty("new", from);
            }
            if (run > length - position) {
                throw new CorruptDataException("XBZRLE: %d new bytes announced at byte %d, but the delta ends after %d"
                        .formatted(run, from, length - position));
            }
            copy(in, at + position, memory, pageAt + done, run);
            position += run;
            done += run;
        }
    }

    private static int longLength(int low, int high, int position) {
        if (high < 0) {
            throw new CorruptDataException(
                    "XBZRLE: byte %d is 0x%02x, expected the second and last byte of a length (0..7f)"
                            .formatted(position, high & 0xff));
        }
        return (low & 0x7f) | high << 7;
    }

    private static void copy(MemorySegment from, long fromAt, MemorySegment to, long toAt, int length) {
        if (length < Integer.BYTES) {
            to.set(BYTE, toAt, from.get(BYTE, fromAt));
            if (length > 1) {
                to.set(BYTE, toAt + 1, from.get(BYTE, fromAt + 1));
                to.set(BYTE, toAt + length - 1, from.get(BYTE, fromAt + length - 1));
            }
        } else if (length <= Long.BYTES) {
            to.set(INT, toAt, from.get(INT, fromAt));
            to.set(INT, toAt + length - Integer.BYTES, from.get(INT, fromAt + length - Integer.BYTES));
        } else if (length < MANY) {
            int last = length - Long.BYTES;
            for (int i = 0; i < last; i += Long.BYTES) {
                to.set(LONG, toAt + i, from.get(LONG, fromAt + i));
            }
            to.set(LONG, toAt + last, from.get(LONG, fromAt + last));
        } else {
            MemorySegment.copy(from, fromAt, to, toAt, length);
        }
    }

    private static void checkTwoLeft(int position, int length, String what) {
        if (length - position < 2) {
            throw new CorruptDataException("XBZRLE: %d bytes left at byte %d of %d, expected %s"
                    .formatted(length - position, position, length, what));
        }
    }

    private static CorruptDataException tooLong(String kind, int run, int position, int done) {
        return new CorruptDataException("XBZRLE: %d %s bytes at byte %d of the delta, but only %d of the page are left"
                .formatted(run, kind, position, Page.BYTES - done));
    }

    private static CorruptDataException empty(String kind, int position) {
        return new CorruptDataException(
                "XBZRLE: a run of 0 %s bytes at byte %d of the delta, expected at least 1".formatted(kind, position));
    }
}
