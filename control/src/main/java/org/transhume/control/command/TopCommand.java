package org.transhume.control.command;

import java.io.Console;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.transhume.control.display.CountersText;
import org.transhume.engine.counters.Counter;
import org.transhume.engine.counters.CountersReading;
import org.transhume.engine.counters.CountersUnavailableException;
import org.transhume.engine.counters.StateCode;
import picocli.CommandLine;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.databind.json.JsonMapper;

/** {@code top}: the counters of a running process, again and again until it ends. */
@CommandLine.Command(
        name = "top",
        description =
                "Show what the migrations of a running guest, receive, send or demo count, until that process ends.",
        mixinStandardHelpOptions = true)
public final class TopCommand implements Callable<Integer> {
    private static final ObjectMapper JSON = JsonMapper.builder().build();
    private static final int LEAST_INTERVAL = 100;
    private static final String HOME_AND_CLEAR = "\033[H\033[J";

    @CommandLine.Parameters(index = "0", paramLabel = "PID", description = "The process to look into.")
    private long pid;

    @CommandLine.Option(
            names = "--interval",
            paramLabel = "MS",
            defaultValue = "1000",
            description = "Time between two looks, 100 and more (default: ${DEFAULT-VALUE}).")
    private int interval;

    @CommandLine.Option(names = "--once", description = "Look once.")
    private boolean once;

    @CommandLine.Option(
            names = "--json",
            description = "Print a JSON object a line for each look; docs/counters.md has the names.")
    private boolean json;

    @CommandLine.Spec
    private CommandLine.Model.CommandSpec spec;

    private boolean shown;

    /** One look for machines. */
    record Look(long pid, long publishedMillis, List<Migration> migrations) {}

    /**
     * @param side "source" or "destination"; null if a newer version made another
     * @param state by name; the counter of that name has its code
     */
    record Migration(String name, String side, String state, Map<String, Long> counters, List<Channel> channels) {}

    /** @param channel "main", "multifd N", or "unknown" for one whose first bytes did not come yet */
    record Channel(String channel, long writtenBytes, long readBytes) {}

    @Override
    public Integer call() throws CountersUnavailableException {
        if (interval < LEAST_INTERVAL) {
            throw new CommandLine.ParameterException(
                    spec.commandLine(),
                    "--interval %d: expected %d and more, values are no newer than that"
                            .formatted(interval, LEAST_INTERVAL));
        }
        PrintWriter out = spec.commandLine().getOut();
        boolean terminal =
                Optional.ofNullable(System.console()).map(Console::isTerminal).orElse(false);
        try (CountersReading reading = CountersReading.of(pid)) {
            show(reading.read(), terminal, out);
            while (!once && waited()) {
                show(reading.read(), terminal, out);
            }
        } catch (CountersUnavailableException e) {
            if (once || !e.gone() || !shown) {
                throw e;
            }
        }
        return CommandLine.ExitCode.OK;
    }

    private void show(CountersReading.Snapshot snapshot, boolean terminal, PrintWriter out) {
        shown = true;
        if (json) {
            out.println(JSON.writeValueAsString(look(snapshot)));
        } else {
            out.print((terminal && !once ? HOME_AND_CLEAR : "")
                    + CountersText.of(pid, snapshot, System.currentTimeMillis()));
        }
        out.flush();
    }

    /** @return false if the process ended meanwhile */
    private boolean waited() {
        CompletableFuture<?> end = ProcessHandle.of(pid)
                .<CompletableFuture<?>>map(ProcessHandle::onExit)
                .orElse(CompletableFuture.completedFuture(null));
        try {
            end.get(interval, TimeUnit.MILLISECONDS);
            return false;
        } catch (TimeoutException e) {
            return true;
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private Look look(CountersReading.Snapshot snapshot) {
        return new Look(
                pid,
                snapshot.publishedMillis(),
                snapshot.migrations().stream().map(TopCommand::migration).toList());
    }

    private static Migration migration(CountersReading.Migration migration) {
        return new Migration(
                migration.name(),
                migration.side() == null ? null : migration.side().name().toLowerCase(Locale.ROOT),
                StateCode.name(migration.get(Counter.STATE)),
                migration.counters(),
                migration.channels().stream()
                        .map(channel ->
                                new Channel(CountersText.name(channel), channel.writtenBytes(), channel.readBytes()))
                        .toList());
    }
}
