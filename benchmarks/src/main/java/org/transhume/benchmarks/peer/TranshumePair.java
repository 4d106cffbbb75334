package org.transhume.benchmarks.peer;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import org.transhume.control.Transhume;
import tools.jackson.databind.JsonNode;

/** One migration between two fresh processes {@code transhume guest}, which it owns. One thread. */
public final class TranshumePair implements AutoCloseable {
    private static final long SEED = 11;
    private static final int PIECE = 4 << 20;
    private static final long LOOK_MILLIS = 20;

    private final long ram;
    private final Path folder;
    private final MeasuredProcess from;
    private final MeasuredProcess to;
    private final MigrationEnd source;
    private final MigrationEnd destination;

    /**
     * Starts both; the guest stands and its RAM was never written.
     *
     * @param workload what it does once it runs, as {@code guest --workload} has it
     */
    public TranshumePair(long ram, String workload) throws IOException {
        this.ram = ram;
        this.folder = Files.createTempDirectory("transhume-pair");
        List<AutoCloseable> opened = new ArrayList<>();
        try {
            this.from = start("source", List.of("--workload", workload), opened);
            this.to = start("destination", List.of("--incoming", "defer"), opened);
            this.source = connect(from, "source", opened);
            this.destination = connect(to, "destination", opened);
        } catch (Throwable t) {
            for (AutoCloseable each : opened.reversed()) {
                try {
                    each.close();
                } catch (Exception e) {
                    t.addSuppressed(e);
                }
            }
            delete();
            throw t;
        }
    }

    private MeasuredProcess start(String end, List<String> options, List<AutoCloseable> opened) throws IOException {
        List<String> line = new ArrayList<>();
        line.add(ProcessHandle.current().info().command().orElse("java"));
        line.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
        line.addAll(List.of("-cp", System.getProperty("java.class.path"), Transhume.class.getName()));
        line.addAll(List.of("guest", "--paused", "--ram", Long.toString(ram), "--qmp", "unix:" + folder.resolve(end)));
        line.addAll(options);
        MeasuredProcess process = MeasuredProcess.start(end, line, folder.resolve(end + ".log"));
        opened.add(process);
        return process;
    }

    private MigrationEnd connect(MeasuredProcess process, String end, List<AutoCloseable> opened) throws IOException {
        MigrationEnd connected = MigrationEnd.connect(process, folder.resolve(end));
        opened.add(connected);
        return connected;
    }

    /** Writes the first {@code bytes} of RAM with noise. */
    public void touch(long bytes) throws IOException {
        RandomGenerator random = new Random(SEED);
        ByteBuffer piece = ByteBuffer.allocateDirect(PIECE);
        while (piece.hasRemaining()) {
            piece.putLong(random.nextLong());
        }
        try (GuestRam pages = GuestRam.of(from, ram)) {
            for (long at = 0; at < bytes; at += piece.limit()) {
                piece.clear().limit((int) Math.min(PIECE, bytes - at));
                pages.write(at, piece);
            }
        }
    }

    /**
     * Lets the guest run and migrates it; returns at once.
     *
     * @param channels page channels; 0: none
     * @param parameters beside the number of channels
     */
    public void migrate(int channels, Map<String, ?> parameters) throws IOException {
        List<String> capabilities = new ArrayList<>(List.of("return-path", "x-hole-runs", "x-report"));
        if (channels > 0) {
            capabilities.add("multifd");
        }
        for (MigrationEnd end : List.of(source, destination)) {
            end.enable(capabilities);
            if (channels > 0) {
                end.set(Map.of("multifd-channels", channels));
            }
            end.set(parameters);
        }
        String uri = destination.listen();
        source.execute("cont");
        source.migrate(uri);
    }

    /** What the source says of the migration now, its forecast among it. */
    public JsonNode look() throws IOException {
        return source.execute("query-migrate");
    }

    /** @throws IOException if it failed */
    public boolean completed(JsonNode look) throws IOException {
        return switch (look.path("status").asString("")) {
            case "completed" -> true;
            case "failed" -> throw from.failure("failed: " + look);
            default -> false;
        };
    }

    /** Waits for the end; what the source says of it then. */
    public JsonNode await() throws IOException {
        JsonNode look = look();
        while (!completed(look)) {
            pause(LOOK_MILLIS);
            look = look();
        }
        return look;
    }

    public void pause(long millis) throws IOException {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    /** Gives up, and waits until the source has. */
    public void cancel() throws IOException {
        source.execute("migrate_cancel");
        String status = "";
        while (!List.of("cancelled", "completed", "failed").contains(status)) {
            pause(LOOK_MILLIS);
            status = look().path("status").asString("");
        }
    }

    /** @throws IOException unless both have the same RAM behind a migration that completed */
    public void checkEqual() throws IOException {
        try (GuestRam before = GuestRam.of(from, ram);
                GuestRam after = GuestRam.of(to, ram)) {
            long differs = before.mismatch(after);
            if (differs >= 0) {
                throw new IOException("RAM differs at byte %d after the migration".formatted(differs));
            }
        }
    }

    @Override
    public void close() throws IOException {
        try (from;
                to;
                source;
                destination) {
        } finally {
            delete();
        }
    }

    private void delete() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.toList()) {
                Files.deleteIfExists(file);
            }
        }
        Files.deleteIfExists(folder);
    }
}
