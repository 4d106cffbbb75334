package org.transhume.engine;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.transhume.channels.Connection;
import org.transhume.engine.outgoing.Dialer;

/** Calls somebody who never answers, until it is interrupted. */
final class UnansweredDialer implements Dialer {
    /** Completes once it calls. */
    final CompletableFuture<Void> calling = new CompletableFuture<>();

    @Override
    public Connection dial(Duration limit) throws IOException {
        calling.complete(null);
        try {
            new CountDownLatch(1).await();
        } catch (InterruptedException e) {
            throw new IOException("interrupted while connecting", e);
        }
        throw new AssertionError("nobody answers");
    }

    @Override
    public boolean multiChannel() {
        return true;
    }
}
