package org.transhume.channels.qemu;

/**
 * Form of the data in a multifd packet, by its bits in the flags (spec: stream.md §5.3, §5.4; docs/wire.md for the last two).
 */
public enum MultifdMethod {
    /** The pages as they are. */
    NONE(0),
    /** A piece of the channel's one zlib stream, which ends in a sync flush. */
    ZLIB(0x02),
    /** A piece of the channel's zstd stream, flushed. */
    ZSTD(0x04),
    /** One LZ4 block: extension {@code x-lz4}. */
    LZ4(0x100),
    /** XBZRLE deltas, a length for each in front: extension {@code x-multifd-xbzrle}. */
    DELTA(0x200);

    /** QEMU's methods, and ours. */
    static final int MASK = 0x3e | LZ4.code | DELTA.code;

    final int code;

    MultifdMethod(int code) {
        this.code = code;
    }

    /** @return null if the bits are none of ours, or several */
    static MultifdMethod of(int flags) {
        return switch (flags & MASK) {
            case 0 -> NONE;
            case 0x02 -> ZLIB;
            case 0x04 -> ZSTD;
            case 0x100 -> LZ4;
            case 0x200 -> DELTA;
            default -> null;
        };
    }

    static String name(int flags) {
        return switch (flags & MASK) {
            case 0x08 -> "qpl";
            case 0x10 -> "uadk";
            case 0x20 -> "qatzip";
            default -> {
                MultifdMethod method = of(flags);
                yield method == null ? "unknown" : method.toString();
            }
        };
    }

    @Override
    public String toString() {
        return switch (this) {
            case NONE -> "none";
            case ZLIB -> "zlib";
            case ZSTD -> "zstd";
            case LZ4 -> "x-lz4";
            case DELTA -> "x-multifd-xbzrle";
        };
    }
}
