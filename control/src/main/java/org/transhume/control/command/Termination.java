package org.transhume.control.command;

import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import picocli.CommandLine;

/**
 * SIGTERM and SIGINT of a process that has something to save: it is told to quit, and ends as its command does. One that has not
 * ends at once, as any does.
 */
public final class Termination {
    /** The command that all others belong to, which knows when the process is about to end. */
    public interface Owner {
        Termination termination();
    }

    private final CompletableFuture<Integer> ended = new CompletableFuture<>();

    static Termination of(CommandLine.Model.CommandSpec spec) {
        return spec.root().userObject() instanceof Owner owner ? owner.termination() : new Termination();
    }

    /** @param quit tells the command to end, if it has to; says whether to wait for that. Called by a thread of its own */
    void onSignal(BooleanSupplier quit) {
        Runtime.getRuntime()
                .addShutdownHook(Thread.ofPlatform().name("termination").unstarted(() -> {
                    if (!ended.isDone() && quit.getAsBoolean()) {
                        // A JVM that ends by a signal has no exit status of its own; and whoever calls exit meanwhile
                        // waits for us.
                        Runtime.getRuntime().halt(ended.join());
                    }
                }));
    }

    /**
     * The command is through, and has said all that it has to say.
     *
     * @return {@code status}, with which the process is to end
     */
    public int ended(int status) {
        ended.complete(status);
        return status;
    }
}
