package org.transhume.control.soak;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.StringWriter;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.transhume.control.settings.Capability;
import org.transhume.engine.guest.SyntheticGuest;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.RamBlock;

/** A soak finds nothing wrong where nothing is, and says so where something is. */
@Timeout(120)
class SoakTest {
    private static final long SEED = 20;

    @TempDir
    Path folder;

    @Test
    void aFewSecondsWithFaultsAreSound() throws Exception {
        List<Soak.Entry> entries = new ArrayList<>();
        StringWriter wrong = new StringWriter();
        Soak.Options options =
                new Soak.Options(SEED, true, Duration.ofSeconds(4), Trial.PROCESSES_EVERY - 1, -1, SoakTest.class);

        SoakSummary summary = new Soak(options, (entry, _) -> {
                    entries.add(entry);
                    if (!entry.sound()) {
                        wrong.append(SoakText.defect(entry)).append('\n');
                    }
                })
                .run();

        assertTrue(summary.sound(), () -> SoakText.line(summary) + "\n" + wrong);
        assertTrue(summary.migrations() > 0 && summary.migrations() == entries.size(), SoakText.line(summary));
        assertTrue(summary.comparedBytes() > 0, SoakText.line(summary));
        entries.forEach(entry -> assertTrue(entry.checked().contains("one owner at any time"), entry.toString()));
    }

    @Test
    void aMigrationIsDrawnFromSeedAndIndexAlone() {
        List<Trial> some = IntStream.range(0, 200)
                .mapToObj(index -> Trial.draw(SEED, index, true))
                .toList();

        assertEquals(Trial.draw(SEED, 137, true), some.get(137));
        assertEquals(Trial.draw(SEED, 137, false).settings(), some.get(137).settings());
        assertTrue(
                some.get(137).replay().contains("--seed 20 --only 137"),
                some.get(137).replay());
        for (Capability capability : List.of(
                Capability.MULTIFD,
                Capability.XBZRLE,
                Capability.COMPRESS,
                Capability.POSTCOPY_PREEMPT,
                Capability.RELEASE_RAM,
                Capability.AUTO_CONVERGE,
                Capability.X_ADAPTIVE,
                Capability.X_RAM_DIGEST,
                Capability.X_HANDOVER,
                Capability.X_MULTIFD_POSTCOPY)) {
            assertTrue(some.stream().anyMatch(trial -> trial.settings().has(capability)), capability.wireName());
        }
        assertEquals(
                10, some.stream().map(trial -> trial.fault().kind()).distinct().count());
    }

    @Test
    void aByteThatIsNotAsItWasSentIsADefect() throws Exception {
        Trial trial = calm(Trial.Place.IDLE);

        TrialResult sound = new LoopbackTrial(trial, folder).run();
        TrialResult altered = new LoopbackTrial(trial, folder, memory -> {
                    RamBlock ram = memory.blocks().getFirst();
                    byte was = ram.segment().get(ValueLayout.JAVA_BYTE, ram.size() / 2);
                    ram.segment().set(ValueLayout.JAVA_BYTE, ram.size() / 2, (byte) (was + 1));
                })
                .run();

        assertEquals(List.of(), sound.defects());
        assertTrue(sound.checked().contains("RAM is equal"), sound.checked().toString());
        assertEquals(1, altered.defects().size(), altered.defects().toString());
        String where = "byte 0x%x of block '%s'"
                .formatted(trial.guest().blocks().getFirst().bytes() / 2, SyntheticGuest.BLOCK);
        assertTrue(
                altered.defects().getFirst().contains(where), altered.defects().toString());
    }

    @Test
    void twoOwnersAtATimeAreSeen() {
        Ownership ownership = new Ownership();
        ownership.source(true);
        ownership.source(false);
        ownership.destination(true);
        assertEquals(List.of(), ownership.violations());

        ownership.source(true);

        assertEquals(1, ownership.violations().size());
    }

    @Test
    void aThreadADescriptorAMappingAndAFileThatAreLeftAreNamed() throws Exception {
        Footprint before = Footprint.now(folder);
        CountDownLatch end = new CountDownLatch(1);
        Path file = Files.writeString(folder.resolve("forgotten"), "");
        Thread thread = Thread.ofPlatform().name("forgotten one").start(() -> {
            try {
                end.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        Set<String> left;
        TrialResult result = new TrialResult();
        try (FileChannel _ = FileChannel.open(file, StandardOpenOption.READ);
                RamBlock _ = RamBlock.memfd("forgotten.ram", 1 << 20);
                GuestMemory memory = new GuestMemory(List.of(RamBlock.anonymous("forgotten.too", 1 << 20)))) {
            result.uses(memory);
            left = before.left(folder, 0, result::stillMapped);
        } finally {
            end.countDown();
            thread.join();
            Files.delete(file);
        }

        for (String pattern : List.of(
                "thread .*'forgotten one'",
                "descriptor .*/forgotten",
                "file forgotten",
                "descriptor .*memfd:forgotten.ram.*",
                "mapping .*memfd:forgotten.ram.*",
                "mapping .*forgotten.too.*")) {
            assertTrue(left.stream().anyMatch(thing -> thing.matches(pattern)), pattern + ": " + left);
        }
        assertEquals(Set.of(), before.left(folder, 5_000, result::stillMapped));
    }

    @Test
    void aHeapThatGrowsWithEachMigrationIsNotFlat() {
        HeapTrend leaking = new HeapTrend();
        HeapTrend noisy = new HeapTrend();
        for (int n = 0; n < 400; n += 5) {
            long classes = Math.min(n, 60) * 100_000L;
            long noise = (n * 7919L) % 1_000_000;
            leaking.add(n, 20_000_000 + classes + noise + 3L * n * HeapTrend.BYTES_PER_MIGRATION);
            noisy.add(n, 20_000_000 + classes + noise);
        }

        assertFalse(leaking.flat(), () -> "slope " + leaking.slope());
        assertTrue(noisy.flat(), () -> "slope " + noisy.slope());
    }

    /** The first migration of the seed that arrives at such a place without anything being done to it. */
    private static Trial calm(Trial.Place place) {
        return IntStream.range(0, 1000)
                .mapToObj(index -> Trial.draw(SEED, index, false))
                .filter(trial -> trial.place() == place && !trial.processes())
                .findFirst()
                .orElseThrow();
    }
}
