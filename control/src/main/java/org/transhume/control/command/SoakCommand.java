package org.transhume.control.command;

import java.io.BufferedWriter;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.transhume.control.display.JsonText;
import org.transhume.control.soak.Soak;
import org.transhume.control.soak.SoakSummary;
import org.transhume.control.soak.SoakText;
import picocli.CommandLine;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.databind.json.JsonMapper;

/** {@code soak}: random migrations for as long as one likes, and whether anything was wrong with one of them. */
@CommandLine.Command(
        name = "soak",
        description =
                "Run random migrations, one after the other, and look after each whether anything is wrong or left.",
        mixinStandardHelpOptions = true)
public final class SoakCommand implements Callable<Integer> {
    private static final int FAILED = 1;
    private static final long MINUTE = 60;
    private static final long PROGRESS_NANOS = TimeUnit.SECONDS.toNanos(5);
    private static final ObjectMapper LINES = JsonMapper.builder().build();

    @CommandLine.Option(names = "--minutes", paramLabel = "N", description = "How long, together with --seconds.")
    private Long minutes;

    @CommandLine.Option(names = "--seconds", paramLabel = "N", description = "How long, together with --minutes.")
    private Long seconds;

    @CommandLine.Option(names = "--migrations", paramLabel = "N", description = "How many at the most.")
    private Integer migrations;

    @CommandLine.Option(
            names = "--faults",
            description = "Cut, refuse and slow connections down, cancel, pause, give up and kill on the way.")
    private boolean faults;

    @CommandLine.Option(names = "--seed", paramLabel = "S", description = "What draws everything (default: a new one).")
    private Long seed;

    @CommandLine.Option(
            names = "--only",
            paramLabel = "K",
            description = "Only migration K of the seed; as often as --migrations says (default: once).")
    private Integer only;

    @CommandLine.Option(names = "--log", paramLabel = "FILE", description = "Write a line of JSON for each migration.")
    private Path log;

    @CommandLine.Option(names = "--json", description = "Print the summary as JSON.")
    private boolean json;

    @CommandLine.Spec
    private CommandLine.Model.CommandSpec spec;

    @Override
    public Integer call() throws IOException, InterruptedException {
        PrintWriter out = spec.commandLine().getOut();
        PrintWriter err = spec.commandLine().getErr();
        long drawn = seed == null ? ThreadLocalRandom.current().nextInt(1_000_000_000) : seed;
        if (!json) {
            out.println("seed " + drawn);
            out.flush();
        }
        SoakSummary summary;
        try (BufferedWriter lines = log == null ? null : Files.newBufferedWriter(log)) {
            Progress progress = new Progress(err, lines);
            summary = new Soak(options(drawn), progress).run();
        }
        out.println(json ? JsonText.of(summary) : SoakText.line(summary));
        out.flush();
        return summary.sound() ? CommandLine.ExitCode.OK : FAILED;
    }

    private Soak.Options options(long drawn) {
        if (minutes == null && seconds == null && migrations == null && only == null) {
            throw wrong("expected --minutes, --seconds, --migrations or --only: how long, or which");
        }
        if (negative(minutes) || negative(seconds) || negative(migrations) || negative(only)) {
            throw wrong("--minutes, --seconds, --migrations and --only: expected 0 and up");
        }
        boolean timed = minutes != null || seconds != null;
        Duration time = timed
                ? Duration.ofSeconds(Optional.ofNullable(minutes).orElse(0L) * MINUTE
                        + Optional.ofNullable(seconds).orElse(0L))
                : Duration.ofDays(365);
        int most = migrations != null ? migrations : only != null && !timed ? 1 : Integer.MAX_VALUE;
        Class<?> program = spec.root().userObject().getClass();
        return new Soak.Options(drawn, faults, time, most, only == null ? -1 : only, program);
    }

    private static boolean negative(Number number) {
        return number != null && number.longValue() < 0;
    }

    private CommandLine.ParameterException wrong(String message) {
        return new CommandLine.ParameterException(spec.commandLine(), message);
    }

    /** Says now and then how far it is, and at once what is wrong. */
    private final class Progress implements Soak.Observer {
        private final PrintWriter err;
        private final BufferedWriter lines; // null: nobody wants them
        private long next = System.nanoTime() + PROGRESS_NANOS;

        Progress(PrintWriter err, BufferedWriter lines) {
            this.err = err;
            this.lines = lines;
        }

        @Override
        public void ended(Soak.Entry entry, SoakSummary soFar) {
            try {
                if (lines != null) {
                    lines.write(LINES.writeValueAsString(entry));
                    lines.newLine();
                    lines.flush();
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            if (!entry.sound()) {
                err.println(SoakText.defect(entry));
            }
            if (!json && System.nanoTime() - next >= 0) {
                next = System.nanoTime() + PROGRESS_NANOS;
                err.println(SoakText.progress(soFar));
            }
            err.flush();
        }
    }
}
