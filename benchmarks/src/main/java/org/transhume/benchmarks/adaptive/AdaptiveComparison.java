package org.transhume.benchmarks.adaptive;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.transhume.channels.Address;
import org.transhume.channels.Connections;
import org.transhume.channels.Listener;
import org.transhume.channels.qemu.MultifdMethod;
import org.transhume.engine.Extensions;
import org.transhume.engine.MigrationObserver;
import org.transhume.engine.guest.SyntheticGuest;
import org.transhume.engine.guest.WorkloadSpec;
import org.transhume.engine.incoming.IncomingConfig;
import org.transhume.engine.incoming.IncomingMigration;
import org.transhume.engine.outgoing.Compression;
import org.transhume.engine.outgoing.Dialer;
import org.transhume.engine.outgoing.OutgoingConfig;
import org.transhume.engine.outgoing.OutgoingMigration;
import org.transhume.engine.outgoing.OutgoingReport;
import org.transhume.memory.DirtyBitmap;
import org.transhume.memory.DirtySource;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.PageSize;
import org.transhume.memory.RamBlock;
import org.transhume.memory.WriterMarks;
import picocli.CommandLine;

/**
 * A user asks: "what if I just switch {@code x-adaptive} on, whatever my guest holds and however fast my link is?" Whole
 * migrations in one process, over loopback: every fixed choice and the adaptive one in turn, round after round.
 */
@CommandLine.Command(
        name = "adaptive",
        description = "Whole migrations with every fixed form of pages and with x-adaptive, in turn.",
        mixinStandardHelpOptions = true)
public final class AdaptiveComparison implements Callable<Integer> {
    private static final long MIB = 1 << 20;
    private static final int CHANNELS = 2;
    private static final long DELTA_CACHE = 256 * MIB;
    /** Times that the hot pages are written between rounds. */
    private static final int REWRITES = 6;

    private static final int HOT_PART = 4;
    private static final int WORDS_A_PAGE = 8;

    enum Content {
        ZEROS,
        TEXT,
        LIBRARIES,
        RANDOM,
        HOT
    }

    enum Choice {
        RAW,
        LZ4,
        ZSTD,
        DELTA,
        ADAPTIVE;

        Compression compression() {
            return switch (this) {
                case RAW, DELTA -> new Compression.None();
                case LZ4 -> new Compression.Lz4();
                case ZSTD -> new Compression.Zstd(1);
                case ADAPTIVE -> new Compression.Adaptive();
            };
        }

        long cache() {
            return this == DELTA || this == ADAPTIVE ? DELTA_CACHE : 0;
        }

        IncomingConfig incoming() {
            return IncomingConfig.DEFAULT
                    .withChannels(CHANNELS)
                    .withMethod(this == ZSTD ? MultifdMethod.ZSTD : MultifdMethod.NONE)
                    .withShared(
                            switch (this) {
                                case RAW, ZSTD -> Set.of();
                                case LZ4 -> Set.of(Extensions.LZ4);
                                case DELTA -> Set.of(Extensions.MULTIFD_XBZRLE);
                                case ADAPTIVE -> Set.of(Extensions.ADAPTIVE);
                            });
        }
    }

    private record Run(double millis, long bytes, OutgoingReport report) {}

    @CommandLine.Option(
            names = "--rounds",
            paramLabel = "N",
            description = "Turns over all choices in each cell.",
            defaultValue = "7")
    private int pairs;

    @CommandLine.Parameters(
            arity = "0..1",
            paramLabel = "CONTENT",
            description = "One of ${COMPLETION-CANDIDATES}, or all of them.")
    private Content only;

    @Override
    public Integer call() throws IOException {
        System.out.println("content    link      best fixed          time    wire   adaptive      time    wire"
                + "   to best (min..max)   to raw   forms raw/lz4/zstd, deltas, tried");
        for (Content content : Content.values()) {
            if (only != null && content != only) {
                continue;
            }
            if (content == Content.ZEROS) {
                cells(content, 2048 * MIB, pairs, 1, 3, 10, 0);
                continue;
            }
            cells(content, content == Content.HOT ? 128 * MIB : 256 * MIB, pairs, 1, 3);
            cells(content, 1024 * MIB, pairs, 10, 0); // more, or it would be over before it is measured
        }
        return 0;
    }

    private static void cells(Content content, long ram, int pairs, long... links) throws IOException {
        Rewriting source = new Rewriting(content, ram);
        try (SyntheticGuest _ = source.guest;
                SyntheticGuest destination = guest(ram, null)) {
            for (long gigabits : links) {
                cell(content, source, destination, gigabits, pairs);
            }
        }
    }

    private static void cell(Content content, Rewriting source, SyntheticGuest destination, long gigabits, int pairs)
            throws IOException {
        Map<Choice, List<Run>> runs = new EnumMap<>(Choice.class);
        List<Choice> choices = Arrays.stream(Choice.values())
                .filter(f -> f != Choice.DELTA || content == Content.HOT) // else nothing travels twice
                .toList();
        for (int i = -1; i < pairs; i++) {
            for (Choice choice : choices) {
                Run run = migrate(source, destination, choice, gigabits * 125_000_000);
                if (i >= 0) { // the first round warms up
                    runs.computeIfAbsent(choice, _ -> new ArrayList<>()).add(run);
                }
            }
        }
        if (source.ram().mismatch(destination.memory().blocks().getFirst().segment()) >= 0) {
            throw new IllegalStateException("RAM differs after the migration");
        }
        Choice best = Choice.RAW;
        for (Choice choice : choices) {
            if (choice != Choice.ADAPTIVE && time(runs.get(choice)) < time(runs.get(best))) {
                best = choice;
            }
        }
        // Where the cap decides about the best, bytes are what counts: time is theirs, and noise.
        boolean capped = gigabits > 0
                && bytes(runs.get(best)) * MIB / (time(runs.get(best)) / 1e3) > 0.9 * gigabits * 125_000_000;
        List<Run> adaptive = runs.get(Choice.ADAPTIVE);
        double[] toBest = ratios(adaptive, runs.get(best), capped);
        double[] toRaw = ratios(adaptive, runs.get(Choice.RAW), false);
        OutgoingReport report = adaptive.getLast().report;
        long full = report.adaptive().rawPages()
                + report.adaptive().lz4Pages()
                + report.adaptive().zstdPages();
        System.out.println(
                "%-10s %-9s %-14s %7.0f ms %7.1f  adaptive %7.0f ms %7.1f   %.3f %s (%.3f..%.3f)   %.3f   %d/%d/%d, %d, 1 in %s"
                        .formatted(
                                content.name().toLowerCase(Locale.ROOT),
                                gigabits == 0 ? "no cap" : gigabits + " Gbit/s",
                                best.name().toLowerCase(Locale.ROOT),
                                time(runs.get(best)),
                                bytes(runs.get(best)),
                                time(adaptive),
                                bytes(adaptive),
                                median(toBest),
                                capped ? "by bytes" : "by time",
                                Arrays.stream(toBest).min().orElseThrow(),
                                Arrays.stream(toBest).max().orElseThrow(),
                                median(toRaw),
                                report.adaptive().rawPages(),
                                report.adaptive().lz4Pages(),
                                report.adaptive().zstdPages(),
                                report.delta().pages(),
                                report.adaptive().triedPages() == 0
                                        ? "-"
                                        : Long.toString(full / report.adaptive().triedPages())));
        StringBuilder all = new StringBuilder("    ");
        runs.forEach((choice, list) -> all.append(
                "%s %.0f ms %.1f MiB   ".formatted(choice.name().toLowerCase(Locale.ROOT), time(list), bytes(list))));
        System.out.println(all);
    }

    private static double time(List<Run> runs) {
        return median(runs.stream().mapToDouble(Run::millis).toArray());
    }

    private static double bytes(List<Run> runs) {
        return median(runs.stream().mapToDouble(r -> (double) r.bytes / MIB).toArray());
    }

    private static double[] ratios(List<Run> of, List<Run> to, boolean bytes) {
        double[] ratios = new double[of.size()];
        for (int i = 0; i < ratios.length; i++) {
            ratios[i] = bytes ? (double) of.get(i).bytes / to.get(i).bytes : of.get(i).millis / to.get(i).millis;
        }
        return ratios;
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }

    private static Run migrate(Rewriting source, SyntheticGuest destination, Choice choice, long cap)
            throws IOException {
        source.rewind();
        destination.pause();
        Listener listener = Connections.listen(new Address.Tcp("127.0.0.1", 0));
        Address address = listener.address();
        IncomingMigration in =
                IncomingMigration.start(destination, listener, choice.incoming(), new MigrationObserver() {}, "in");
        OutgoingConfig config = OutgoingConfig.builder()
                .channels(CHANNELS)
                .compression(choice.compression())
                .deltaCache(choice.cache())
                .maxBandwidth(cap)
                .downtimeLimit(Duration.ofMillis(1))
                .returnPath(true)
                .build();
        OutgoingReport report = OutgoingMigration.start(
                        source.guest, Dialer.to(address), config, new MigrationObserver() {}, "out")
                .completion()
                .join();
        in.completion().join();
        if (!report.outcome().equals("completed")) {
            throw new IllegalStateException(report.reason());
        }
        return new Run(report.totalMillis(), report.transferredBytes(), report);
    }

    private static SyntheticGuest guest(long ram, DirtySource source) {
        GuestMemory memory = new GuestMemory(List.of(RamBlock.memfd(SyntheticGuest.BLOCK, ram)));
        // Touched now: the first touch would take longer than many a migration, and vary more.
        memory.blocks().getFirst().segment().fill((byte) 1);
        return new SyntheticGuest(
                SyntheticGuest.MACHINE,
                memory,
                source == null ? new WriterMarks(memory) : source,
                WorkloadSpec.IDLE,
                false);
    }

    /** A guest of some content, a part of which changes a little each time the engine asks what was written. */
    private static final class Rewriting implements DirtySource {
        final SyntheticGuest guest;
        private final GuestMemory memory;
        private final boolean hot;
        private final Random random = new Random(7);
        private int harvests;

        Rewriting(Content content, long ram) throws IOException {
            memory = new GuestMemory(List.of(RamBlock.memfd(SyntheticGuest.BLOCK, ram)));
            hot = content == Content.HOT;
            guest = new SyntheticGuest(SyntheticGuest.MACHINE, memory, this, WorkloadSpec.IDLE, false);
            switch (content) {
                case ZEROS -> ram().fill((byte) 0);
                case TEXT -> files(".py", ".h", ".txt", ".md", ".pl", ".pm");
                case LIBRARIES -> files(".so");
                case RANDOM, HOT -> {
                    for (long at = 0; at < ram; at += Long.BYTES) {
                        ram().set(ValueLayout.JAVA_LONG, at, random.nextLong());
                    }
                }
            }
        }

        MemorySegment ram() {
            return memory.blocks().getFirst().segment();
        }

        /** Fills RAM with the bytes of this machine's own files, from the start again if they do not suffice. */
        private void files(String... suffixes) throws IOException {
            List<Path> files;
            try (Stream<Path> walk = Files.walk(Path.of("/usr"))) {
                files = walk.filter(p -> Arrays.stream(suffixes)
                                        .anyMatch(
                                                s -> p.getFileName().toString().contains(s))
                                && Files.isRegularFile(p)
                                && Files.isReadable(p)
                                && !Files.isSymbolicLink(p))
                        .sorted()
                        .toList();
            }
            long at = 0;
            while (at < ram().byteSize()) {
                long before = at;
                for (Path file : files) {
                    try (FileChannel in = FileChannel.open(file)) {
                        long size = Math.min(in.size(), ram().byteSize() - at);
                        if (size > 0) {
                            at += Math.max(0, in.read(ram().asSlice(at, size).asByteBuffer()));
                        }
                    }
                }
                if (at == before) {
                    throw new IOException("no files end in " + List.of(suffixes) + " below /usr");
                }
            }
        }

        void rewind() {
            harvests = 0;
        }

        @Override
        public String name() {
            return "rewriting";
        }

        @Override
        public String cost() {
            return "writes the pages it reports";
        }

        @Override
        public void start() {}

        @Override
        public long harvest(int block, DirtyBitmap into) {
            if (!hot || harvests++ >= REWRITES) {
                return 0;
            }
            long pages = ram().byteSize() / PageSize.BYTES / HOT_PART;
            for (long page = 0; page < pages; page++) {
                for (int i = 0; i < WORDS_A_PAGE; i++) {
                    long word = random.nextInt(PageSize.BYTES / Long.BYTES);
                    ram().set(ValueLayout.JAVA_LONG, page * PageSize.BYTES + word * Long.BYTES, random.nextLong());
                }
            }
            into.markRange(0, pages);
            return pages;
        }

        @Override
        public void restore(int block, DirtyBitmap unconfirmed) {}

        @Override
        public void stop() {}

        @Override
        public void close() {}
    }
}
