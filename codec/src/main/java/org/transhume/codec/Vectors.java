package org.transhume.codec;

import jdk.incubator.vector.LongVector;

/** Whether this JVM has the Vector API, and a processor with at least 256 bits to a vector. Decided once, at start. */
public final class Vectors {
    /** Classes that use the Vector API are touched only where this is true: elsewhere they do not load. */
    public static final boolean PRESENT =
            ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent() && Width.bits() >= 256;

    private Vectors() {}

    /** Apart, so that {@link Vectors} loads without the module. */
    private static final class Width {
        static int bits() {
            return LongVector.SPECIES_PREFERRED.vectorBitSize();
        }
    }
}
