package org.transhume.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class DirtySourcesTest {
    @RegisterExtension
    final GivesBackEverything givesBackEverything = new GivesBackEverything();

    @Test
    void offersEachSourceWithItsCostOrItsRefusal() {
        List<DirtySources.Offer> offers = DirtySources.offers();

        assertEquals(
                List.of("uffd-wp", "marks"),
                offers.stream().map(DirtySources.Offer::name).toList());
        for (DirtySources.Offer offer : offers) {
            assertTrue(offer.toString().startsWith(offer.name() + ": "), offer.toString());
        }
    }

    @Test
    void prefersTheKernelsTracking() {
        assumeTrue(WriteProtectSource.unavailable().isEmpty());
        try (GuestMemory memory = new GuestMemory(List.of(RamBlock.memfd("ram", 4096)));
                DirtySource best = DirtySources.best(memory);
                DirtySource named = DirtySources.named("marks", memory)) {
            assertEquals("uffd-wp", best.name());
            assertEquals("marks", named.name());
        }
    }

    @Test
    void saysWhyWhereTheKernelDoesNotTrack() {
        assumeFalse(
                WriteProtectSource.unavailable().isEmpty(), "this kernel tracks writes, so there is nothing to say");
        try (GuestMemory memory = new GuestMemory(List.of(RamBlock.memfd("ram", 4096)))) {
            UnsupportedOperationException refusal =
                    assertThrows(UnsupportedOperationException.class, () -> DirtySources.best(memory));

            assertTrue(refusal.getMessage()
                    .contains(WriteProtectSource.unavailable().orElseThrow()));
        }
    }

    @Test
    void namesTheChoicesWhenItIsAskedForAnother() {
        try (GuestMemory memory = new GuestMemory(List.of(RamBlock.memfd("ram", 4096)))) {
            IllegalArgumentException refusal =
                    assertThrows(IllegalArgumentException.class, () -> DirtySources.named("guess", memory));

            assertEquals("dirty source guess: expected one of [uffd-wp, marks]", refusal.getMessage());
        }
    }
}
