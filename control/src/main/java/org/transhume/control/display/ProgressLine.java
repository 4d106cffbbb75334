package org.transhume.control.display;

import java.io.Console;
import java.io.PrintWriter;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.transhume.engine.incoming.IncomingMigration;
import org.transhume.engine.incoming.IncomingReport;
import org.transhume.engine.outgoing.MigrationProgress;
import org.transhume.engine.outgoing.OutgoingMigration;
import org.transhume.engine.outgoing.OutgoingReport;

/** Waits for a migration and says meanwhile how far it is: one line rewritten on a terminal, plain lines elsewhere. */
public final class ProgressLine {
    private static final int REDRAW_MILLIS = 100;
    private static final int LINE_MILLIS = 1000;
    private static final int BAR = 24;
    private static final String CLEAR = "\r\033[K";

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
        return await(migration.completion(), () -> look(migration), migration::cancel);
    }

    /** @return the report, of whatever outcome */
    public IncomingReport await(IncomingMigration migration) {
        ArrivalText text = new ArrivalText();
        return await(
                migration.completion(),
                () -> text.of(migration.state(), migration.counters()).map(line -> ahead(Double.NaN, line)),
                () -> migration.abort("it was interrupted"));
    }

    private <R> R await(CompletableFuture<R> completion, Supplier<Optional<String>> look, Runnable interrupted) {
        while (true) {
            try {
                R report = completion.get(terminal ? REDRAW_MILLIS : LINE_MILLIS, TimeUnit.MILLISECONDS);
                clear();
                return report;
            } catch (TimeoutException e) {
                look.get().ifPresent(this::draw);
            } catch (ExecutionException e) {
                throw new IllegalStateException(e.getCause());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                interrupted.run();
                return completion.join();
            }
        }
    }

    /** Says something beside it, also where the line is silent. Any thread. */
    public synchronized void say(String text) {
        clear();
        out.println("transhume: " + text);
        out.flush();
    }

    private Optional<String> look(OutgoingMigration migration) {
        MigrationProgress progress = migration.progress();
        return ProgressText.of(migration.state(), progress)
                .map(text -> ahead(progress.forecast().progress(), text));
    }

    private String ahead(double done, String text) {
        if (!terminal || Double.isNaN(done)) {
            return text;
        }
        int filled = (int) Math.round(Math.clamp(done, 0, 1) * BAR);
        return "[" + "#".repeat(filled) + ".".repeat(BAR - filled) + "] " + text;
    }

    private synchronized void clear() {
        if (terminal && !silent) {
            out.print(CLEAR);
            out.flush();
        }
    }

    private synchronized void draw(String text) {
        if (silent) {
            return;
        }
        if (terminal) {
            out.print(CLEAR + text);
        } else {
            out.println(text);
        }
        out.flush();
    }
}
