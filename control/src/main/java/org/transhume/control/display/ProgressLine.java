package org.transhume.control.display;

import java.io.Console;
import java.io.PrintWriter;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.transhume.engine.outgoing.MigrationProgress;
import org.transhume.engine.outgoing.OutgoingMigration;
import org.transhume.engine.outgoing.OutgoingReport;

/** Waits for an outgoing migration and says meanwhile how far it is: one line rewritten on a terminal, plain lines elsewhere. */
public final class ProgressLine {
    private static final int REDRAW_MILLIS = 100;
    private static final int LINE_MILLIS = 1000;
    private static final int BAR = 24;

    private final PrintWriter out;
    private final boolean terminal;
    private final boolean silent;

    public ProgressLine(PrintWriter out, boolean silent) {
        this.out = out;
        this.terminal =
                Optional.ofNullable(System.console()).map(Console::isTerminal).orElse(false);
        this.silent = silent;
    }

    /** @return the report, of whatever outcome */
    public OutgoingReport await(OutgoingMigration migration) {
        CompletableFuture<OutgoingReport> completion = migration.completion();
        while (true) {
            try {
                OutgoingReport report = completion.get(terminal ? REDRAW_MILLIS : LINE_MILLIS, TimeUnit.MILLISECONDS);
                if (terminal && !silent) {
                    out.print("\r\033[K");
                    out.flush();
                }
                return report;
            } catch (TimeoutException e) {
                draw(migration.progress());
            } catch (ExecutionException e) {
                throw new IllegalStateException(e.getCause());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                migration.cancel();
                return completion.join();
            }
        }
    }

    private void draw(MigrationProgress progress) {
        if (silent) {
            return;
        }
        double done = progress.forecast().progress();
        String text = ProgressText.of(progress);
        if (terminal) {
            int filled = (int) Math.round(Math.clamp(done, 0, 1) * BAR);
            out.print("\r\033[K[" + "#".repeat(filled) + ".".repeat(BAR - filled) + "] " + text);
        } else {
            out.println(text);
        }
        out.flush();
    }
}
