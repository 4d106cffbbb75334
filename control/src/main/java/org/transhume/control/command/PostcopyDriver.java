package org.transhume.control.command;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.transhume.control.guest.MigrationControl;
import org.transhume.engine.MigrationException;
import org.transhume.engine.MigrationObserver;
import org.transhume.engine.MigrationState;

/**
 * Does for {@code send} what an operator does in a postcopy: starts it, and where nobody can say so, goes on with it after a cut.
 * Hears of the migration from its thread.
 */
final class PostcopyDriver implements MigrationObserver {
    private static final long RETRY_MILLIS = 1000;

    private final MigrationControl control;
    private final String uri;
    private final String qmp;
    private final Integer after;
    private final Consumer<String> notices;
    private boolean told;

    /**
     * @param uri where the guest goes
     * @param qmp where an operator says what is to be done; null: nobody can
     * @param after milliseconds from {@code active} on; null: never by itself
     */
    PostcopyDriver(MigrationControl control, String uri, String qmp, Integer after, Consumer<String> notices) {
        this.control = control;
        this.uri = uri;
        this.qmp = qmp;
        this.after = after;
        this.notices = notices;
    }

    @Override
    public void state(MigrationState state) {
        switch (state) {
            case MigrationState.Active _ -> {
                if (after != null) {
                    later(after, control::startPostcopy);
                }
            }
            case MigrationState.PostcopyActive _ -> {
                if (told) {
                    notices.accept("postcopy goes on");
                }
                told = false;
            }
            case MigrationState.PostcopyPaused paused -> paused(paused.reason());
            default -> {
                // Nobody has to do anything.
            }
        }
    }

    private void paused(String reason) {
        if (!told) {
            told = true;
            notices.accept("postcopy paused: %s; both sides keep what they have. %s".formatted(reason, remedy()));
        }
        if (qmp == null) {
            later(RETRY_MILLIS, this::resume);
        }
    }

    private void resume() {
        try {
            control.resume(uri);
        } catch (MigrationException e) {
            boolean stands = control.outgoing()
                    .filter(out -> out.state() instanceof MigrationState.PostcopyPaused)
                    .isPresent();
            if (stands) {
                notices.accept("postcopy cannot go on by itself: %s. SIGTERM gives it up".formatted(e.getMessage()));
            }
        }
    }

    private String remedy() {
        return qmp == null
                ? "Tried again every second; a QEMU has to be told first: migrate-recover uri=%s".formatted(uri)
                : ("To go on: migrate-recover uri=URI at the destination (transhume receive listens on, and needs none),"
                                + " then transhume qmp %s migrate uri=%s resume=true")
                        .formatted(qmp, uri);
    }

    private static void later(long millis, Runnable order) {
        Executor then = CompletableFuture.delayedExecutor(millis, TimeUnit.MILLISECONDS);
        CompletableFuture<Void> _ = CompletableFuture.runAsync(
                () -> {
                    try {
                        order.run();
                    } catch (MigrationException e) {
                        // It ended meanwhile, or somebody else was faster.
                    }
                },
                then);
    }
}
