package org.transhume.control.guest;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
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
import org.transhume.engine.incoming.PostcopyArrival;
import org.transhume.engine.outgoing.Compression;
import org.transhume.engine.outgoing.Dialer;
import org.transhume.engine.outgoing.OutgoingConfig;
import org.transhume.engine.outgoing.OutgoingMigration;
import org.transhume.engine.outgoing.PostcopyTerms;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.MissingPages;
import org.transhume.memory.NativeHeap;
import org.transhume.memory.PageSize;
import org.transhume.memory.RamBlock;
import org.transhume.memory.WriterMarks;

/**
 * A small guest that moves within this process before a real one does. What a young JVM does for the first time takes it
 * milliseconds, and most of a pause is done once only; that of a switch to postcopy, too.
 */
public final class Rehearsal {
    private static final int LIMIT_SECONDS = 5;
    private static final byte ZERO = 0;

    /**
     * A small guest, and how it moves.
     *
     * @param noise bytes of content, of which some are written meanwhile
     * @param zeroes bytes behind them that were written with zeroes; behind these as many that never were
     * @param channels page connections
     * @param compression of what goes over them
     * @param packetPages pages of a batch, and so how many batches there are
     * @param cap bytes a second; a low one has the scanner take less at a time. 0: none
     * @param times how often
     */
    private record Play(
            long noise,
            long zeroes,
            int channels,
            Compression compression,
            boolean postcopy,
            int packetPages,
            long cap,
            int times) {
        long ram() {
            return noise + 2 * zeroes;
        }

        MultifdMethod method() {
            return switch (compression) {
                case Compression.Zlib _ -> MultifdMethod.ZLIB;
                case Compression.Zstd _ -> MultifdMethod.ZSTD;
                default -> MultifdMethod.NONE;
            };
        }
    }

    /** As a real migration has them. */
    private static final int FULL = 128;
    /** A real guest's batches are thousands, and what is done for each should be compiled before: here they are small. */
    private static final int SMALL = 8;
    /** The scanner's spans are the shortest under it; zeroes are not slower for it. */
    private static final long LOW_CAP = 5 << 19;

    /** Pages enough that what is done for each of them is compiled; often enough that what is done once is, too. */
    private static final List<Play> PLAYS = List.of(
            new Play(16 << 20, 0, 0, new Compression.None(), true, FULL, 0, 1),
            new Play(8 << 20, 4 << 20, 2, new Compression.None(), false, FULL, 0, 2),
            new Play(16 << 20, 1 << 20, 2, new Compression.None(), false, SMALL / 2, 0, 6),
            new Play(8 << 20, 64 << 20, 0, new Compression.None(), false, FULL, 0, 3),
            new Play(64 << 10, 64 << 20, 0, new Compression.None(), false, SMALL, LOW_CAP, 5),
            new Play(16 << 20, 4 << 20, 2, new Compression.Zlib(1), false, FULL, 0, 1),
            new Play(16 << 20, 4 << 20, 2, new Compression.Zlib(1), false, SMALL, 0, 3),
            new Play(16 << 20, 4 << 20, 2, new Compression.Zstd(1), false, FULL, 0, 1),
            new Play(16 << 20, 4 << 20, 2, new Compression.Zstd(1), false, SMALL, 0, 4));

    /** Shares a code in zlib's encoder. */
    private static final long PIECE = 128 << 10;

    private final Thread thread = Thread.ofPlatform().daemon().name("rehearsal").unstarted(this::run);
    private volatile boolean over;

    private Rehearsal() {}

    /** Begins in a thread of its own, which ends by itself. Nothing depends on its success. */
    public static Rehearsal begin() {
        Rehearsal rehearsal = new Rehearsal();
        rehearsal.thread.start();
        return rehearsal;
    }

    /**
     * Gives way to a real migration, which needs the processors: a guest that moves meanwhile is moved to the end, within some
     * tenths of a second, and no other follows. Waits for nothing. Any thread.
     */
    public void end() {
        over = true;
    }

    /** Waits until it is over, as one is of a process that has stood for some seconds. */
    public void await() throws InterruptedException {
        thread.join();
    }

    private void run() {
        for (Play play : PLAYS) {
            if (over) {
                break;
            }
            if (play.postcopy && MissingPages.unavailable().isPresent()) {
                continue;
            }
            try (SyntheticGuest guest = guest(play)) {
                guest.fill();
                MemorySegment ram = guest.memory().blocks().getFirst().segment();
                ram.asSlice(play.noise, play.zeroes).fill(ZERO);
                if (play.method() != MultifdMethod.NONE) {
                    repeat(ram, play.noise);
                }
                scatterZeroes(ram, play.noise);
                for (int i = 0; i < play.times && !over; i++) {
                    guest.resume();
                    move(play, guest);
                }
            } catch (IOException | ExecutionException | TimeoutException | RuntimeException e) {
                // Where nothing can listen on loopback, the first real migration is the first.
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
        NativeHeap.trim();
    }

    /** Of sixteen pages one is zero, one begins so, and one begins and ends so: as with a guest's own, one look may not do. */
    private static void scatterZeroes(MemorySegment ram, long noise) {
        long page = PageSize.BYTES;
        long ends = page / 8;
        for (long at = 0; at < noise; at += 16 * page) {
            ram.asSlice(at, page).fill(ZERO);
            ram.asSlice(at + 5 * page, ends).fill(ZERO);
            ram.asSlice(at + 10 * page, ends).fill(ZERO);
            ram.asSlice(at + 11 * page - ends, ends).fill(ZERO);
        }
    }

    /** Something to pack, a piece of each kind in turn: repeats, many short ones, few that are long, and none. */
    private static void repeat(MemorySegment ram, long noise) {
        SplittableRandom random = new SplittableRandom(1);
        for (long at = PIECE; at + PIECE <= noise; at += PIECE) {
            MemorySegment piece = ram.asSlice(at, PIECE);
            switch ((int) (at / PIECE % 4)) {
                case 0 -> repeat(piece, random, 64, 4);
                case 1 -> repeat(piece, random, 6, 4);
                case 2 -> repeat(piece, random, (int) PIECE / 8, 2);
                default -> {}
            }
        }
    }

    /** Copies runs of four and more bytes, fewer than {@code longest}, from before: all but one of {@code of} of them. */
    private static void repeat(MemorySegment piece, SplittableRandom random, int longest, int of) {
        for (long at = longest; at < PIECE - longest; ) {
            int run = random.nextInt(4, longest);
            if (random.nextInt(of) != 0) {
                long far = random.nextLong(run, Math.min(at, 1 << 15) + 1); // at is longest at least, and so beyond run
                MemorySegment.copy(piece, at - far, piece, at, run);
            }
            at += run;
        }
    }

    private static void move(Play play, SyntheticGuest source)
            throws IOException, ExecutionException, TimeoutException, InterruptedException {
        try (SyntheticGuest destination = guest(play);
                Listener listener = Connections.listen(new Address.Tcp("127.0.0.1", 0))) {
            MigrationObserver nobody = new MigrationObserver() {};
            IncomingConfig arrival = play.postcopy
                    ? IncomingConfig.DEFAULT.withPostcopy(new PostcopyArrival(true, true, false, null))
                    : IncomingConfig.DEFAULT
                            .withChannels(play.channels)
                            .withMethod(play.method())
                            .withShared(Set.of(Extensions.HOLE_RUNS));
            IncomingMigration incoming =
                    IncomingMigration.start(destination, listener, arrival, nobody, "rehearsal in");
            try {
                OutgoingConfig config = OutgoingConfig.builder()
                        .channels(play.channels)
                        .compression(play.compression)
                        .packetPages(play.packetPages)
                        .maxBandwidth(play.cap)
                        .returnPath(true)
                        .holeRuns(!play.postcopy)
                        .postcopy(play.postcopy ? new PostcopyTerms(true, false, 0, null) : null)
                        .build();
                OutgoingMigration outgoing =
                        OutgoingMigration.start(source, Dialer.to(listener.address()), config, nobody, "rehearsal out");
                if (play.postcopy) {
                    outgoing.startPostcopy();
                }
                outgoing.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);
            } finally {
                incoming.abort("the rehearsal is over");
                incoming.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);
                incoming.endAnnouncements();
            }
        }
    }

    private static SyntheticGuest guest(Play play) {
        GuestMemory memory = new GuestMemory(List.of(RamBlock.memfd(SyntheticGuest.BLOCK, play.ram())));
        return new SyntheticGuest(
                SyntheticGuest.MACHINE,
                memory,
                new WriterMarks(memory),
                WorkloadSpec.parse("uniform:rate=20000,ws=" + play.noise),
                true);
    }
}
