package org.transhume.channels;

import java.nio.channels.AsynchronousCloseException;

/** This side closed the connection or listener, before or during the call. Never says anything about the peer. */
public final class ConnectionClosedException extends AsynchronousCloseException {
    private static final long serialVersionUID = 1;

    private final String what;

    ConnectionClosedException(String what) {
        this.what = what;
    }

    @Override
    public String getMessage() {
        return what + " was closed on this side";
    }
}
