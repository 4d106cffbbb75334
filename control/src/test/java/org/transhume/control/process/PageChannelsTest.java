package org.transhume.control.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.transhume.control.qmp.QmpError;
import org.transhume.control.settings.Profile;
import org.transhume.memory.PageSize;

/** Page channels, by both names, and who looks for zero pages. */
@Timeout(60)
class PageChannelsTest {
    private static final long RAM = 8 << 20;

    @TempDir
    Path folder;

    @Test
    void aGuestMovesOver255Channels() throws Exception {
        try (DrivenGuest source = leaving(Profile.V10_0);
                DrivenGuest destination = arriving(Profile.V10_0)) {
            for (DrivenGuest guest : new DrivenGuest[] {source, destination}) {
                guest.enable("multifd", "return-path");
                guest.set("{'multifd-channels': 255, 'max-bandwidth': 0}");
            }
            source.cont();

            source.migrate(destination.listen(folder.resolve("in")));

            assertEquals("completed", source.awaitEnd(), source.info()::toString);
            assertEquals("completed", destination.awaitEnd());
            assertSameRam(source, destination);
        }
    }

    @Test
    void fewerChannelsAtTheDestinationFailOnBothSidesAndSayWhatToDo() throws Exception {
        try (DrivenGuest source = leaving(Profile.V10_0);
                DrivenGuest destination = arriving(Profile.V10_0)) {
            source.enable("multifd", "return-path");
            destination.enable("multifd", "return-path");
            source.set("{'multifd-channels': 4}");
            destination.set("{'multifd-channels': 2}");
            source.cont();

            source.migrate(destination.listen(folder.resolve("in")));

            assertEquals("failed", destination.awaitEnd());
            assertEquals("failed", source.awaitEnd());
            assertSaysWhatToDo(source);
            assertSaysWhatToDo(destination);
            assertTrue(source.guest.running());
        }
    }

    private static void assertSaysWhatToDo(DrivenGuest guest) throws Exception {
        String reason = guest.info().path("error-desc").asString();
        assertTrue(reason.contains("set multifd-channels alike on both sides"), reason);
    }

    @ParameterizedTest
    @CsvSource({
        "x-multifd-page-count, 1, 1344",
        "x-multifd-page-count, 16, 1344",
        "x-multifd-page-count, 10000, 1344",
    })
    void theOldNamesWorkInTheOldProfile(String parameter, int pages, int header) throws Exception {
        try (DrivenGuest source = leaving(Profile.V3_1);
                DrivenGuest destination = arriving(Profile.V3_1)) {
            source.enable("x-multifd");
            destination.enable("x-multifd");
            source.set("{'x-multifd-channels': 3, '%s': %d, 'max-bandwidth': 0}".formatted(parameter, pages));
            destination.set("{'x-multifd-channels': 3}");

            source.migrate(destination.listen(folder.resolve("in")));

            assertEquals("completed", source.awaitEnd(), source.info()::toString);
            assertEquals("completed", destination.awaitEnd());
            assertSameRam(source, destination);
            long normal = source.info().path("ram").path("normal-bytes").asLong();
            long packets = (source.info().path("ram").path("multifd-bytes").asLong() - normal) / header;
            // All pages, zero ones too, in packets of that many; a few more for the ends of rounds.
            long fewest = RAM / PageSize.BYTES / Math.min(pages, 128);
            assertTrue(packets >= fewest && packets < fewest + 60, packets + " packets, not about " + fewest);
        }
    }

    @ParameterizedTest
    @CsvSource({"x-lz4", "x-adaptive"})
    void ourFormsOfPagesWorkInTheOldProfile(String extension) throws Exception {
        try (DrivenGuest source = leaving(Profile.V3_1);
                DrivenGuest destination = arriving(Profile.V3_1)) {
            for (DrivenGuest guest : new DrivenGuest[] {source, destination}) {
                guest.execute(
                        "migrate-set-capabilities",
                        "{'capabilities': [{'capability': 'x-multifd', 'state': true}, {'capability': '%s', 'state': true}]}"
                                .formatted(extension));
            }
            source.migrate(destination.listen(folder.resolve("in")));

            assertEquals("completed", source.awaitEnd(), source.info()::toString);
            assertEquals("completed", destination.awaitEnd());
            assertSameRam(source, destination);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "xbzrle, Multifd is not compatible with xbzrle",
        "compress, Multifd is not compatible with compress",
        "postcopy-ram, Postcopy is not yet compatible with multifd",
    })
    void theOldNameHasTheLimitsOfTheNewOne(String capability, String refusal) throws Exception {
        try (DrivenGuest guest = arriving(Profile.V3_1)) {
            QmpError together = assertThrows(
                    QmpError.class,
                    () -> guest.execute(
                            "migrate-set-capabilities",
                            "{'capabilities': [{'capability': 'x-multifd', 'state': true}, {'capability': '%s', 'state': true}]}"
                                    .formatted(capability)));
            guest.listen(folder.resolve("in"));
            QmpError late = assertThrows(QmpError.class, () -> guest.enable("x-multifd"));

            assertEquals(refusal, together.getMessage());
            assertEquals("Multifd must be set before incoming starts", late.getMessage());
        }
    }

    /** {@code /migration/multifd/tcp/plain/zero-page/legacy} and {@code /none}, and the default. */
    @ParameterizedTest
    @CsvSource({
        "none,    true,  false, false",
        "legacy,  true,  true,  true",
        "multifd, true,  true,  false",
        "none,    false, false, false",
        "legacy,  false, true,  true",
        "multifd, false, true,  true",
    })
    void multifdTcpPlainZeroPage(String detection, boolean channels, boolean found, boolean onMain) throws Exception {
        try (DrivenGuest source = leaving(Profile.V10_0);
                DrivenGuest destination = arriving(Profile.V10_0)) {
            for (DrivenGuest guest : new DrivenGuest[] {source, destination}) {
                guest.execute(
                        "migrate-set-capabilities",
                        "{'capabilities': [{'capability': 'multifd', 'state': %s}]}".formatted(channels));
            }
            source.set("{'zero-page-detection': '%s'}".formatted(detection));

            source.migrate(destination.listen(folder.resolve("in")));

            assertEquals("completed", source.awaitEnd());
            assertEquals("completed", destination.awaitEnd());
            assertSameRam(source, destination);
            long zero = source.info().path("ram").path("duplicate").asLong();
            long normal = source.info().path("ram").path("normal").asLong();
            long pages = RAM / PageSize.BYTES;
            assertEquals(pages, zero + normal);
            assertEquals(found ? pages / 2 : 0, zero);
            long main = source.info().path("ram").path("transferred").asLong()
                    - source.info().path("ram").path("multifd-bytes").asLong();
            // A record of a zero page takes nine bytes of the main channel.
            assertEquals(onMain, main - (channels ? 0 : normal * (PageSize.BYTES + 8)) >= zero * 9 && zero > 0);
        }
    }

    private static void assertSameRam(DrivenGuest source, DrivenGuest destination) {
        assertEquals(
                -1,
                source.guest
                        .memory()
                        .blocks()
                        .getFirst()
                        .segment()
                        .mismatch(destination.guest.memory().blocks().getFirst().segment()),
                "first byte that differs");
    }

    private DrivenGuest leaving(Profile profile) throws Exception {
        return DrivenGuest.leaving(folder.resolve("src"), profile, null, RAM);
    }

    private DrivenGuest arriving(Profile profile) throws Exception {
        return DrivenGuest.arriving(folder.resolve("dst"), profile, null, RAM);
    }
}
