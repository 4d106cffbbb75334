package org.transhume.benchmarks.peer;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;

/** A child whose cost is read from {@code /proc}. Killed on close. Any thread. */
public final class MeasuredProcess implements AutoCloseable {
    /** The kernel tells user space in hundredths of a second, whatever it counts in itself. */
    private static final double TICKS_A_SECOND = 100;

    private static final Duration REST = Duration.ofMillis(500);
    private static final Duration REST_LIMIT = Duration.ofSeconds(60);

    private static final int UTIME = 11; // of the fields behind the command's name
    private static final int STIME = 12;

    private final String name;
    private final Process process;
    private final Path log;

    private MeasuredProcess(String name, Process process, Path log) {
        this.name = name;
        this.process = process;
        this.log = log;
    }

    /** @param log takes what it prints */
    public static MeasuredProcess start(String name, List<String> command, Path log) throws IOException {
        return new MeasuredProcess(
                name,
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(log.toFile())
                        .start(),
                log);
    }

    public long pid() {
        return process.pid();
    }

    /** @throws IOException with what it printed, if it has ended */
    public void checkAlive() throws IOException {
        if (!process.isAlive()) {
            throw failure("ended with status " + process.exitValue());
        }
    }

    IOException failure(String what) throws IOException {
        return new IOException("%s %s; it printed: %s"
                .formatted(name, what, Files.readString(log).strip()));
    }

    /** User and system time of all its threads so far, ended ones too, in seconds; to 10 ms. */
    public double cpuSeconds() throws IOException {
        String stat = Files.readString(proc("stat"));
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
        return (Long.parseLong(fields[UTIME]) + Long.parseLong(fields[STIME])) / TICKS_A_SECOND;
    }

    /**
     * Waits until it does nothing any more, for what it does by itself after its start: nobody moves a guest that began this
     * very second.
     *
     * @throws IOException if it never rests
     */
    public void awaitRest() throws IOException {
        long deadline = System.nanoTime() + REST_LIMIT.toNanos();
        double before = cpuSeconds();
        while (true) {
            pause(REST);
            double now = cpuSeconds();
            if (now - before <= 1 / TICKS_A_SECOND) {
                return;
            }
            if (System.nanoTime() > deadline) {
                throw failure("does not come to rest within " + REST_LIMIT);
            }
            before = now;
        }
    }

    private static void pause(Duration length) throws IOException {
        try {
            Thread.sleep(length);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    /**
     * Resident bytes of all mappings but the guest's RAM, as {@code smaps} has them now: heap, code, stacks, libraries. The kernel
     * walks the page tables for this, of the RAM too, so it is not done while time is taken.
     */
    public long residentBeyond(GuestRam ram) throws IOException {
        long resident = 0;
        boolean counts = false;
        for (String line : Files.readAllLines(proc("smaps"))) {
            if (Character.isUpperCase(line.charAt(0))) {
                if (counts && line.startsWith("Rss:")) {
                    String kibibytes = line.substring("Rss:".length())
                            .toLowerCase(Locale.ROOT)
                            .replace("kb", "");
                    resident += Long.parseLong(kibibytes.strip()) << 10;
                }
            } else {
                counts = !ram.covers(ProcessMapping.parse(line));
            }
        }
        return resident;
    }

    private Path proc(String file) {
        return Path.of("/proc", Long.toString(process.pid()), file);
    }

    @Override
    public void close() {
        Process _ = process.destroyForcibly().onExit().join();
    }
}
