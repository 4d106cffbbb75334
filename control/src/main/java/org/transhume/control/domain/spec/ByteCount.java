package org.transhume.control.domain.spec;

/** @param bytes 0 and up */
public record ByteCount(long bytes) {
    public ByteCount {
        if (bytes < 0) {
            throw new IllegalArgumentException("%d bytes: expected 0 and up".formatted(bytes));
        }
    }
}
