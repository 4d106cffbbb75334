package org.transhume.engine.outgoing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.EnumMap;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.transhume.engine.outgoing.FormChoice.Form;

/** The choice in a made-up world, where what each form really costs is known. */
class FormChoiceTest {
    private static final int LANES = 2;
    private static final int PAGES = PageBatch.CAPACITY;
    private static final int BATCHES = 4000; // 2 GiB
    private static final double GIGABIT = 125e6;

    /** What a page of some content really costs. */
    record Content(String name, double lz4Nanos, double lz4Bytes, double zstdNanos, double zstdBytes) {
        double nanos(Form form) {
            return switch (form) {
                case RAW -> 30;
                case LZ4 -> lz4Nanos;
                case ZSTD -> zstdNanos;
            };
        }

        double bytes(Form form) {
            return switch (form) {
                case RAW -> 4096;
                case LZ4 -> lz4Bytes;
                case ZSTD -> zstdBytes;
            };
        }
    }

    static final Content TEXT = new Content("text", 7_000, 1800, 12_000, 1200);
    static final Content LIBRARIES = new Content("libraries", 6_500, 2100, 12_500, 1600);
    static final Content RANDOM = new Content("random", 2_500, 4096, 4_000, 4100);

    /** A link of some speed, and a machine on which threads are interrupted now and then. */
    private static final class World {
        final Random random;
        final Content content;
        final long cap;
        double nanos;

        final Map<Form, Integer> batches = new EnumMap<>(Form.class);

        World(Content content, long cap, long seed) {
            this.content = content;
            this.cap = cap;
            this.random = new Random(seed);
        }

        double noise() {
            double noise = Math.exp(random.nextGaussian() * 0.2);
            return random.nextInt(100) == 0 ? noise * 10 : noise;
        }

        /** Time that a page takes up when all travel in {@code form}. */
        double cost(Form form) {
            double lane = (content.nanos(form) + writeNanos(form)) / LANES;
            return cap == 0 ? lane : Math.max(lane, content.bytes(form) * 1e9 / cap);
        }

        boolean limitedByTheLink(Form form) {
            return cap > 0 && cost(form) == content.bytes(form) * 1e9 / cap;
        }

        double writeNanos(Form form) {
            return 3_000 * content.bytes(form) / 4096;
        }

        void run(FormChoice choice, int count) {
            for (int i = 0; i < count; i++) {
                Form sample = choice.toSample();
                if (sample != null) {
                    choice.sampled(sample, (long) (content.nanos(sample) * 2 * noise()), (int)
                            Math.min(4120, content.bytes(sample) * 1.2));
                    nanos += content.nanos(sample) * 1.5 / LANES;
                }
                Form form = choice.next(PAGES);
                batches.merge(form, 1, Integer::sum);
                choice.measured(
                        form,
                        form,
                        PAGES,
                        (long) (PAGES * content.nanos(form) * noise()),
                        (long) (PAGES * content.bytes(form)),
                        (long) (PAGES * writeNanos(form) * noise()));
                nanos += PAGES * cost(form);
            }
        }

        Form best() {
            return Stream.of(Form.values())
                    .min((a, b) -> Double.compare(cost(a), cost(b)))
                    .orElseThrow();
        }
    }

    static Stream<Arguments> worlds() {
        return Stream.of(TEXT, LIBRARIES, RANDOM)
                .flatMap(content -> Stream.of(0.3, 1.0, 2.0, 3.0, 5.0, 10.0, 0.0)
                        .map(gigabits -> Arguments.of(content, (long) (gigabits * GIGABIT))));
    }

    @ParameterizedTest
    @MethodSource("worlds")
    void costsLittleMoreThanTheBestFixedFormAndTriesSeldomWhatDoesNotPay(Content content, long cap) {
        IntStream.range(0, 20).forEach(seed -> {
            World world = new World(content, cap, seed);
            FormChoice choice = new FormChoice(LANES, () -> cap);

            world.run(choice, BATCHES);

            String what = "%s at %d B/s, seed %d: %s".formatted(content.name, cap, seed, world.batches);
            double best = world.cost(world.best()) * PAGES * BATCHES;
            double raw = world.cost(Form.RAW) * PAGES * BATCHES;
            // Where lanes and link decide about different forms, the choice is a close one, and takes longer.
            double allowed = world.limitedByTheLink(world.best()) ? 1.05 : 1.10;
            assertTrue(world.nanos <= best * allowed, what + " took %.3f of the best".formatted(world.nanos / best));
            assertTrue(world.nanos <= raw * 1.03, what + " took %.3f of raw".formatted(world.nanos / raw));
            if (world.best() == Form.RAW && world.cost(Form.LZ4) > raw / PAGES / BATCHES * 1.1) {
                assertTrue(
                        choice.report().triedPages() * FormChoice.PAGES_PER_TRY <= (long) PAGES * BATCHES,
                        what + " tried " + choice.report().triedPages());
            }
        });
    }

    @Test
    void followsTheCap() {
        long[] cap = {0};
        FormChoice choice = new FormChoice(LANES, () -> cap[0]);
        World free = new World(TEXT, 0, 1);
        World slow = new World(TEXT, (long) GIGABIT, 2);

        free.run(choice, BATCHES);
        cap[0] = slow.cap;
        slow.run(choice, BATCHES / 2);

        assertTrue(free.batches.get(Form.RAW) > BATCHES * 0.98, free.batches.toString());
        assertTrue(slow.batches.get(Form.ZSTD) > BATCHES / 2 * 0.9, slow.batches.toString());
    }

    @Test
    void countsEachPageInTheFormItTravelledIn() {
        World world = new World(LIBRARIES, (long) (2 * GIGABIT), 3);
        FormChoice choice = new FormChoice(LANES, () -> world.cap);

        world.run(choice, 1000);

        OutgoingReport.Adaptive report = choice.report();
        assertEquals((long) world.batches.getOrDefault(Form.RAW, 0) * PAGES, report.rawPages());
        assertEquals((long) world.batches.getOrDefault(Form.LZ4, 0) * PAGES, report.lz4Pages());
        assertEquals((long) world.batches.getOrDefault(Form.ZSTD, 0) * PAGES, report.zstdPages());
    }

    /** What a round of hot pages shows to the choice; a hit is {@code bytes} long. */
    private static void round(FormChoice choice, long number, int pages, boolean hit, int bytes) {
        PageBatch batch = new PageBatch();
        batch.round = number;
        for (int i = 0; i < pages; i += PAGES) {
            int through = choice.remembers(batch) ? PAGES : i % FormChoice.PAGES_PER_TRY == 0 ? 1 : 0;
            if (through > 0) {
                choice.remembered(
                        hit ? through : 0, hit ? through * (long) bytes : 0, hit ? 0 : through, through * 800L);
            }
        }
    }

    private static boolean remembers(FormChoice choice, long number) {
        PageBatch batch = new PageBatch();
        batch.round = number;
        return choice.remembers(batch);
    }

    @Test
    void countsABatchThatDidNotShrinkAsRaw() {
        FormChoice choice = new FormChoice(LANES, () -> 0);

        choice.measured(Form.LZ4, Form.RAW, PAGES, 1000, PAGES * 4096L, 1000);
        choice.measured(Form.ZSTD, Form.ZSTD, PAGES, 1000, PAGES * 4097L, 1000);

        assertEquals(new OutgoingReport.Adaptive(PAGES, 0, PAGES, 0), choice.report());
    }

    @Test
    void remembersPagesAtOnceWhereTheLinkLeavesTime() {
        FormChoice slow = new FormChoice(LANES, () -> (long) GIGABIT);
        new World(RANDOM, (long) GIGABIT, 1).run(slow, 100);
        FormChoice free = new FormChoice(LANES, () -> 0);
        new World(RANDOM, 0, 1).run(free, 100);

        assertTrue(remembers(slow, 2));
        assertFalse(remembers(free, 2));
    }

    @Test
    void remembersPagesOnceTheFewInTheSampleCameBackAlmostUnchanged() {
        FormChoice choice = new FormChoice(LANES, () -> 0);
        new World(RANDOM, 0, 1).run(choice, 100);

        round(choice, 2, 8192, false, 0);
        round(choice, 3, 8192, true, 100);

        assertTrue(remembers(choice, 4));
    }

    @Test
    void forgetsPagesThatComeBackAllDifferentOrNotAtAll() {
        FormChoice different = new FormChoice(LANES, () -> 0);
        FormChoice gone = new FormChoice(LANES, () -> 0);
        for (FormChoice choice : new FormChoice[] {different, gone}) {
            new World(RANDOM, 0, 1).run(choice, 100);
            round(choice, 2, 8192, false, 0);
            round(choice, 3, 8192, true, 100);
            round(choice, 4, 8192, true, 100);
        }

        round(different, 5, 8192, true, 4096);
        for (int i = 5; i < 9; i++) {
            round(gone, i, 8192, false, 0);
        }

        assertFalse(remembers(different, 6));
        assertFalse(remembers(gone, 9));
    }
}
