package org.transhume.codec;

/**
 * Bytes that no encoder of their format makes. The message says where in them, what came and what was expected; which
 * channel and packet they came in, only the caller knows.
 */
public final class CorruptDataException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public CorruptDataException(String message) {
        super(message);
    }
}
