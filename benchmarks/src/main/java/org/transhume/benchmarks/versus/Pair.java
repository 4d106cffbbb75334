package org.transhume.benchmarks.versus;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.transhume.benchmarks.peer.GuestRam;
import org.transhume.benchmarks.peer.HostMemory;
import org.transhume.benchmarks.peer.MeasuredProcess;
import org.transhume.benchmarks.peer.MigrationEnd;
import tools.jackson.databind.JsonNode;

/** Two fresh processes of one side, between which each of their guests moves once. One thread; killed on close. */
final class Pair implements AutoCloseable {
    private final Side side;
    private final Work work;
    private final int scale;
    private final int guests;
    private final Path folder;
    private final MeasuredProcess source;
    private final MeasuredProcess destination;
    private int moved;

    private Pair(
            Side side,
            Work work,
            int scale,
            int guests,
            Path folder,
            MeasuredProcess source,
            MeasuredProcess destination) {
        this.side = side;
        this.work = work;
        this.scale = scale;
        this.guests = guests;
        this.folder = folder;
        this.source = source;
        this.destination = destination;
    }

    /** @param guests how many are moved, one after the other */
    static Pair start(Side side, Work work, int scale, int guests) throws IOException {
        Path folder = Files.createTempDirectory("transhume-versus");
        try {
            MeasuredProcess source = start(side, work, scale, guests, folder, false);
            try {
                MeasuredProcess destination = start(side, work, scale, guests, folder, true);
                return new Pair(side, work, scale, guests, folder, source, destination);
            } catch (IOException | RuntimeException e) {
                source.close();
                throw e;
            }
        } catch (IOException | RuntimeException e) {
            delete(folder);
            throw e;
        }
    }

    private static MeasuredProcess start(Side side, Work work, int scale, int guests, Path folder, boolean arrives)
            throws IOException {
        String end = arrives ? "destination" : "source";
        List<String> command = side.command(work, scale, arrives, folder.resolve(end), guests);
        return MeasuredProcess.start(side.name() + " " + end, command, folder.resolve(end + ".log"));
    }

    /** Moves the next guest. */
    Trial migrate() throws IOException {
        return migrate(Optional.empty());
    }

    /** Moves the next guest while somebody looks at the memory of both, which takes its time. */
    Memory watch() throws IOException {
        MemoryWatch watch = new MemoryWatch(source, destination);
        migrate(Optional.of(watch));
        return watch.most();
    }

    private Trial migrate(Optional<MemoryWatch> watch) throws IOException {
        long ram = work.ram(scale);
        int guest = moved++;
        try (MigrationEnd here = MigrationEnd.connect(source, Side.socket(folder.resolve("source"), guest));
                MigrationEnd there =
                        MigrationEnd.connect(destination, Side.socket(folder.resolve("destination"), guest));
                GuestRam before = GuestRam.of(source, ram);
                GuestRam after = GuestRam.of(destination, ram)) {
            work.content().fill(before);
            List<String> capabilities = new ArrayList<>(work.capabilities());
            capabilities.addAll(side.capabilities(work));
            for (MigrationEnd end : List.of(here, there)) {
                end.enable(capabilities);
                end.set(work.parameters(scale));
            }
            String uri = there.listen();
            source.awaitRest();
            destination.awaitRest();
            HostMemory.warm(work.written(scale)); // where the guest is going to be
            before.look(); // where it is
            if (work.hot(scale) > 0) {
                here.execute("cont");
                before.awaitWrite(side.hotAt(work, scale), work.hot(scale));
            }
            if (watch.isPresent()) {
                watch.get().begin(before, after);
            }
            double sourceCpu = source.cpuSeconds();
            double destinationCpu = destination.cpuSeconds();
            here.migrate(uri);
            here.awaitCompleted();
            there.awaitCompleted();
            sourceCpu = source.cpuSeconds() - sourceCpu;
            destinationCpu = destination.cpuSeconds() - destinationCpu;
            if (watch.isPresent()) {
                watch.get().end();
            }
            JsonNode info = here.execute("query-migrate");
            long different = before.mismatch(after);
            if (different >= 0) {
                throw new RamDiffersException(
                        "%s, %s: RAM differs at byte %d".formatted(side.name(), work.title(), different));
            }
            if (moved < guests) {
                here.execute("quit");
                there.execute("quit");
            }
            return new Trial(
                    info.path("total-time").asDouble(),
                    info.path("ram").path("transferred").asLong(),
                    sourceCpu,
                    destinationCpu);
        }
    }

    @Override
    public void close() throws IOException {
        try (source;
                destination) {}
        delete(folder);
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(folder);
    }
}
