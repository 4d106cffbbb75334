package org.transhume.memory;

/** How a file becomes guest RAM. */
public enum Access {
    /** The file must exist and be long enough; nobody writes through the block. */
    READ_ONLY,
    /** Writes reach the file; it is created or extended when need be. */
    SHARED
}
