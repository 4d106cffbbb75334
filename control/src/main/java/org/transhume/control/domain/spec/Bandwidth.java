package org.transhume.control.domain.spec;

/**
 * Bytes per second, in the MiB/s that libvirt's callers count in.
 *
 * @param mebibytes per second, 0..{@link #MAX_MIB}; 0 is no cap
 */
public record Bandwidth(long mebibytes) {
    /** More overflows when turned into bytes. */
    public static final long MAX_MIB = Long.MAX_VALUE >> 20;

    public static final Bandwidth UNLIMITED = new Bandwidth(0);

    public Bandwidth {
        if (mebibytes < 0 || mebibytes > MAX_MIB) {
            throw new IllegalArgumentException(
                    "bandwidth=%s MiB/s: expected 0..%d".formatted(Long.toUnsignedString(mebibytes), MAX_MIB));
        }
    }

    public long bytesPerSecond() {
        return mebibytes << 20;
    }

    /** A cap in bytes as whole MiB; less than one of them counts as one, as it is a cap all the same. */
    public static Bandwidth ofBytes(long bytesPerSecond) {
        return new Bandwidth(Math.ceilDiv(bytesPerSecond, 1L << 20));
    }
}
