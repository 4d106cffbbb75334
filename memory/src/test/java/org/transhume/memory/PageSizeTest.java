package org.transhume.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PageSizeTest {
    @Test
    void countsAPartialPageAsAPage() {
        assertEquals(0, PageSize.TARGET.pagesIn(0));
        assertEquals(1, PageSize.TARGET.pagesIn(1));
        assertEquals(1, PageSize.TARGET.pagesIn(4096));
        assertEquals(2, PageSize.TARGET.pagesIn(4097));
    }

    @Test
    void alignsBeyondWhatAnIntHolds() {
        long offset = (5L << 40) + 1;

        assertEquals(5L << 40, PageSize.TARGET.alignDown(offset));
        assertEquals((5L << 40) + 4096, PageSize.TARGET.alignUp(offset));
        assertEquals(5L << 40, PageSize.TARGET.alignUp(5L << 40));
        assertTrue(PageSize.TARGET.isAligned(5L << 40));
        assertFalse(PageSize.TARGET.isAligned(offset));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, -4096, 3, Integer.MIN_VALUE})
    void refusesWhatIsNoPowerOfTwo(int bytes) {
        assertThrows(IllegalArgumentException.class, () -> new PageSize(bytes));
    }
}
