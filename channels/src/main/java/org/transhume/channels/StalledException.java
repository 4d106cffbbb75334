package org.transhume.channels;

import java.io.IOException;

/** The peer of a connection took or sent nothing for longer than this side wants to wait. */
public final class StalledException extends IOException {
    private static final long serialVersionUID = 1;

    StalledException(String message) {
        super(message);
    }
}
