package org.transhume.control.settings;

import java.math.BigInteger;
import java.util.Optional;

/** The integers that QMP tells apart, each with the check a client's number has to pass before any range is looked at. */
public enum IntegerType {
    INT64("int64", 63),
    UINT64("uint64", 64),
    UINT32("uint32_t", 32),
    UINT16("uint16_t", 16),
    UINT8("uint8_t", 8);

    private final String wireName;
    private final int bits;

    IntegerType(String wireName, int bits) {
        this.wireName = wireName;
        this.bits = bits;
    }

    /** The name for readers, for instance {@code uint8}. */
    public String shortName() {
        return wireName.replace("_t", "");
    }

    /** Whether values are to be compared as unsigned. */
    public boolean unsigned() {
        return this != INT64;
    }

    /**
     * The value in 64 bits, or empty if it does not fit. As in QEMU a negative number of 64 bits is taken for the
     * unsigned one with the same bits; narrower types refuse it.
     */
    public Optional<Long> fit(BigInteger value) {
        boolean fits = value.bitLength() <= bits && (value.signum() >= 0 || bits >= 63);
        boolean wraps = value.signum() >= 0 || value.bitLength() <= 63;
        return fits && wraps ? Optional.of(value.longValue()) : Optional.empty();
    }

    /** What a client is told whose integer for {@code name} did not fit. */
    public String misfit(String name) {
        return this == INT64 ? mistyped(name) : "Parameter '" + name + "' expects " + wireName;
    }

    /** What a client is told who gave something other than an integer of at most 64 bits for {@code name}. */
    public String mistyped(String name) {
        return this == INT64
                ? "Invalid parameter type for '" + name + "', expected: integer"
                : "Parameter '" + name + "' expects uint64";
    }

    /**
     * What a client is told who gave the integer {@code value}, which {@link #fit} refused. As in QEMU, one that only the
     * width refuses is called by its {@code name} alone, any other by its {@code path} from the top.
     */
    public String refusal(String path, String name, BigInteger value) {
        return UINT64.fit(value).isPresent() ? misfit(name) : mistyped(path);
    }
}
