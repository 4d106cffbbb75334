package org.transhume.control.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.function.LongPredicate;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.transhume.channels.qemu.DeviceTail;
import org.transhume.engine.HalfState;
import org.transhume.engine.HalfState.Side;
import org.transhume.engine.guest.PassiveGuest;
import org.transhume.memory.PageSize;

@Timeout(60)
class MergeTest {
    private static final UUID MIGRATION = UUID.fromString("00000000-0000-0000-0000-00000000002a");

    @TempDir
    Path folder;

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void takesEachPageFromTheDestinationWhereItIsThereAndElseFromTheSource(long seed) throws Exception {
        Random random = new Random(seed);
        List<Boolean> atSource = flags(random);
        List<Boolean> atDestination = flags(random);
        List<Boolean> writtenSource = flags(random);
        List<Boolean> writtenDestination = flags(random);
        save(
                Side.SOURCE,
                page -> writtenSource.get((int) page),
                page -> atSource.get((int) page) || !atDestination.get((int) page));
        save(Side.DESTINATION, page -> writtenDestination.get((int) page), page -> atDestination.get((int) page));

        Merge.Report report = merge(false);

        List<Integer> expected = new ArrayList<>();
        for (int page = 0; page < Halves.PAGES; page++) {
            Side side = atDestination.get(page) ? Side.DESTINATION : Side.SOURCE;
            boolean written = (side == Side.SOURCE ? writtenSource : writtenDestination).get(page);
            expected.add(written ? Halves.content(side, page) : 0);
        }
        try (PassiveGuest guest = new GuestImage(out()).read()) {
            assertEquals(expected, Halves.contents(guest.memory().block("pc.ram")), "seed " + seed);
        }
        long there = atDestination.stream().filter(flag -> flag).count();
        assertEquals(there + Halves.ROM_PAGES, report.destinationPages());
        assertEquals(Halves.PAGES - there, report.sourcePages());
    }

    @Test
    void makesAnImageThatHoldsWhatItSays() throws Exception {
        save(Side.SOURCE, MergeTest::all, MergeTest::all);
        save(Side.DESTINATION, MergeTest::all, page -> page < 100);

        Merge.Report report = merge(false);

        Manifest manifest = ManifestFile.read(out());
        assertEquals("10.0", manifest.dialect());
        for (Manifest.Block block : manifest.blocks()) {
            RamFile.Digest digest = new RamFile.Digest();
            digest.bytes(ByteBuffer.wrap(Files.readAllBytes(out().resolve(block.file()))));
            assertEquals(digest.hex(), block.sha256());
        }
        assertEquals("destination", report.devicesFrom());
        try (PassiveGuest guest = new GuestImage(out()).read()) {
            assertEquals(Halves.devices(Side.DESTINATION), guest.saveDevices());
        }
    }

    @Test
    void takesTheDevicesOfTheSourceWhereTheDestinationHasNone() throws Exception {
        save(Side.SOURCE, MergeTest::all, MergeTest::all);
        saveWithoutDevices(Side.DESTINATION);

        assertEquals("source", merge(false).devicesFrom());

        try (PassiveGuest guest = new GuestImage(out()).read()) {
            assertEquals(Halves.devices(Side.SOURCE), guest.saveDevices());
        }
    }

    @Test
    void refusesHalvesWithoutAnyDevices() throws Exception {
        saveWithoutDevices(Side.SOURCE);
        saveWithoutDevices(Side.DESTINATION);

        refused("neither", "has device state");
    }

    @Test
    void namesTheFirstPageThatIsInNeitherHalf() throws Exception {
        save(Side.SOURCE, MergeTest::all, page -> page != 77 && page != 130 && page > 10);
        save(Side.DESTINATION, MergeTest::all, page -> page < 20 || page == 130);

        refused("block 'pc.ram': page 77 (offset 0x4d000) is in neither half, 1 pages in all", "release-ram");
    }

    @Test
    void asksTheOperatorWhereTheHalvesDoNotSayOfWhichMigrationTheyAre() throws Exception {
        save(Side.SOURCE, MergeTest::all, MergeTest::all);
        try (Halves half = Halves.of(Side.DESTINATION, MergeTest::all)) {
            half.save(half(Side.DESTINATION), null, MergeTest::all);
        }

        refused("say --same-migration");
        assertEquals(0, merge(true).sourcePages());
    }

    @Test
    void refusesHalvesOfTwoMigrationsWhateverTheOperatorSays() throws Exception {
        save(Side.SOURCE, MergeTest::all, MergeTest::all);
        UUID another = new UUID(1, 2);
        try (Halves half = Halves.of(Side.DESTINATION, MergeTest::all)) {
            half.save(half(Side.DESTINATION), another, MergeTest::all);
        }

        IOException refusal = assertThrows(IOException.class, () -> merge(true));
        assertTrue(refusal.getMessage().contains("migration (handover) %s and %s".formatted(MIGRATION, another)));
        assertNothingLeft();
    }

    @Test
    void refusesHalvesOfTwoGuests() throws Exception {
        save(Side.SOURCE, MergeTest::all, MergeTest::all);
        UUID uuid = new UUID(3, 4);
        try (Halves half = Halves.of(Side.DESTINATION, MergeTest::all)) {
            half.save(half(Side.DESTINATION), MIGRATION, uuid, DeviceTail.EMPTY, MergeTest::all);
        }

        refused("uuid null and " + uuid);
    }

    @Test
    void refusesTwoHalvesOfOneSideAndTheTwoInTheWrongOrder() throws Exception {
        save(Side.SOURCE, MergeTest::all, MergeTest::all);
        save(Side.DESTINATION, MergeTest::all, MergeTest::all);

        IOException twice = assertThrows(
                IOException.class, () -> new Merge(half(Side.SOURCE), half(Side.SOURCE), false).write(out()));
        assertTrue(twice.getMessage().contains("is the half of the source, expected that of the destination"));
        IOException swapped = assertThrows(
                IOException.class, () -> new Merge(half(Side.DESTINATION), half(Side.SOURCE), false).write(out()));
        assertTrue(swapped.getMessage().contains("the source's comes first"), swapped.getMessage());
    }

    @Test
    void refusesAWholeGuestAsAHalfAndAHalfAsAGuest() throws Exception {
        save(Side.SOURCE, MergeTest::all, MergeTest::all);
        save(Side.DESTINATION, MergeTest::all, MergeTest::all);
        Merge.Report _ = merge(false);

        IOException whole = assertThrows(
                IOException.class,
                () -> new Merge(out(), half(Side.DESTINATION), false).write(folder.resolve("again")));
        assertTrue(whole.getMessage().contains("holds a whole guest"), whole.getMessage());
        IOException notWhole = assertThrows(IOException.class, () -> new GuestImage(half(Side.SOURCE)).read());
        assertTrue(notWhole.getMessage().contains("transhume merge SRC DST OUT"), notWhole.getMessage());
    }

    @Test
    void overwritesNothing() throws Exception {
        save(Side.SOURCE, MergeTest::all, MergeTest::all);
        save(Side.DESTINATION, MergeTest::all, MergeTest::all);
        Files.createDirectory(out());
        Path mine = Files.writeString(out().resolve("mine"), "precious");

        assertThrows(IOException.class, () -> merge(false));
        assertEquals("precious", Files.readString(mine));
        IOException half = assertThrows(IOException.class, () -> save(Side.SOURCE, MergeTest::all, MergeTest::all));
        assertTrue(half.getMessage().contains("is not empty"), half.getMessage());
        Files.delete(mine);
        assertEquals(0, merge(false).sourcePages()); // an empty directory may be there
    }

    @Test
    void recognisesAHalfThatWasNotWrittenToItsEnd() throws Exception {
        save(Side.DESTINATION, MergeTest::all, MergeTest::all);
        NewDirectory killed = NewDirectory.at(half(Side.SOURCE));

        IOException refusal = assertThrows(
                IOException.class, () -> new Merge(killed.working(), half(Side.DESTINATION), false).write(out()));
        assertTrue(refusal.getMessage().contains("was not written to its end"), refusal.getMessage());
        assertFalse(Files.exists(half(Side.SOURCE)));
        killed.close();
        assertFalse(Files.exists(killed.working()));
    }

    @Test
    void leavesNothingOfAHalfThatCouldNotBeWritten() throws Exception {
        try (Halves half = Halves.of(Side.SOURCE, MergeTest::all)) {
            assertThrows(
                    IllegalStateException.class,
                    () -> half.save(half(Side.SOURCE), null, page -> {
                        if (page == 150) {
                            throw new IllegalStateException("gone");
                        }
                        return true;
                    }));
        }

        assertNothingLeft();
    }

    @ParameterizedTest
    @CsvSource({
        "source/blocks/00.ram, 4096, the manifest says",
        "source/blocks/00.present, 24, it was cut or belongs to another block",
        "source/blocks/00.present, 0, it was cut or belongs to another block",
        "source/manifest.json, 40, manifest.json",
        "source/manifest.json, 0, manifest.json",
        "destination/blocks/01.ram, 0, the manifest says",
    })
    void refusesHalvesThatWereCut(String file, long size, String problem) throws Exception {
        save(Side.SOURCE, MergeTest::all, MergeTest::all);
        save(Side.DESTINATION, MergeTest::all, MergeTest::all);
        try (FileChannel channel = FileChannel.open(folder.resolve(file), StandardOpenOption.WRITE)) {
            channel.truncate(size);
        }

        refused(problem);
    }

    @ParameterizedTest
    @CsvSource({
        "source/blocks/00.ram, 8192, changed or damaged",
        "source/blocks/00.present, 20, changed or damaged",
        "source/blocks/00.present, 0, it is no list of pages",
        "source/blocks/00.present, 7, a newer transhume reads it",
        "source/blocks/00.present, 15, the manifest says 200",
        "source/blocks/00.present, 47, beyond the last page",
        "destination/blocks/00.ram, 4096, changed or damaged",
    })
    void refusesHalvesOfWhichABitFlipped(String file, long at, String problem) throws Exception {
        save(Side.SOURCE, MergeTest::all, MergeTest::all);
        save(Side.DESTINATION, MergeTest::all, page -> page < 100);
        try (FileChannel channel =
                FileChannel.open(folder.resolve(file), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            ByteBuffer one = ByteBuffer.allocate(1);
            assertEquals(1, channel.read(one, at));
            one.put(0, (byte) (one.get(0) ^ 0x10)).flip();
            assertEquals(1, channel.write(one, at));
        }

        refused(problem);
    }

    @ParameterizedTest
    @ValueSource(strings = {"../outside", "/etc/hostname", "blocks/link", "blocks", "", "blocks/\\u0000"})
    void readsNoFileOutsideOfTheDirectory(String file) throws Exception {
        save(Side.SOURCE, MergeTest::all, MergeTest::all);
        save(Side.DESTINATION, MergeTest::all, MergeTest::all);
        Path outside = Files.write(folder.resolve("outside"), new byte[(int) (Halves.PAGES * PageSize.BYTES)]);
        Path _ = Files.createSymbolicLink(half(Side.SOURCE).resolve("blocks/link"), outside);
        for (String named : List.of("blocks/00.ram", "blocks/00.present", "device-state.bin")) {
            String whole = Files.readString(half(Side.SOURCE).resolve("manifest.json"));
            edit(text -> text.replace(named, file));

            IOException refusal = assertThrows(IOException.class, () -> merge(false), named);
            assertTrue(refusal.getMessage().contains("source"), refusal.getMessage());
            edit(_ -> whole);
        }
        assertNothingLeft();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "null",
                "[]",
                "{}",
                "{\"format\":1,\"half\":{\"side\":\"source\",\"stopped\":true}}",
                "{\"format\":1,\"machine\":\"transhume-1.0\",\"blocks\":[null],"
                        + "\"half\":{\"side\":\"source\",\"stopped\":true}}",
                "{\"format\":1,\"machine\":\"transhume-1.0\",\"blocks\":[{\"name\":\"pc.ram\",\"size\":-4096}],"
                        + "\"half\":{\"side\":\"source\",\"stopped\":true}}",
                "{\"format\":2}"
            })
    void refusesManifestsThatAreNone(String manifest) throws Exception {
        save(Side.SOURCE, MergeTest::all, MergeTest::all);
        save(Side.DESTINATION, MergeTest::all, MergeTest::all);
        edit(_ -> manifest);

        refused("manifest.json");
    }

    @Test
    void refusesAHalfOfAGuestThatMayRunOn() throws Exception {
        save(Side.SOURCE, MergeTest::all, MergeTest::all);
        save(Side.DESTINATION, MergeTest::all, MergeTest::all);
        edit(text -> text.replace("\"stopped\" : true", "\"stopped\" : false"));

        refused("does not say that the guest was stopped");
    }

    private static boolean all(long page) {
        return page >= 0;
    }

    private static List<Boolean> flags(Random random) {
        return Stream.generate(random::nextBoolean).limit(Halves.PAGES).toList();
    }

    private Path half(Side side) {
        return folder.resolve(side == Side.SOURCE ? "source" : "destination");
    }

    private Path out() {
        return folder.resolve("out");
    }

    private void save(Side side, LongPredicate written, LongPredicate present) throws IOException {
        try (Halves half = Halves.of(side, written)) {
            half.save(half(side), MIGRATION, present);
        }
    }

    private void saveWithoutDevices(HalfState.Side side) throws IOException {
        try (Halves half = Halves.of(side, MergeTest::all)) {
            half.save(half(side), MIGRATION, null, null, MergeTest::all);
        }
    }

    private void edit(UnaryOperator<String> change) throws IOException {
        Path manifest = half(Side.SOURCE).resolve("manifest.json");
        String before = Files.readString(manifest);
        Files.writeString(manifest, change.apply(before));
    }

    private Merge.Report merge(boolean sameMigration) throws IOException {
        return new Merge(half(Side.SOURCE), half(Side.DESTINATION), sameMigration).write(out());
    }

    private void refused(String... words) throws IOException {
        IOException refusal = assertThrows(IOException.class, () -> merge(false));
        for (String word : words) {
            assertTrue(refusal.getMessage().contains(word), refusal.getMessage());
        }
        assertNothingLeft();
    }

    private void assertNothingLeft() throws IOException {
        try (Stream<Path> entries = Files.list(folder)) {
            List<String> names =
                    entries.map(path -> path.getFileName().toString()).toList();
            assertTrue(
                    names.stream().noneMatch(name -> name.contains("incomplete") || name.equals("out")),
                    names.toString());
        }
    }
}
