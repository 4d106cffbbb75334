package org.transhume.engine.outgoing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OutgoingConfigTest {
    /** What is refused, by the text that names it. */
    private static final Map<String, UnaryOperator<OutgoingConfig.Builder>> OUTSIDE = Map.of(
            "channels=-1", b -> b.channels(-1),
            "channels=256", b -> b.channels(256),
            "maxBandwidth=-1", b -> b.maxBandwidth(-1),
            "switchoverBandwidth=-1", b -> b.switchoverBandwidth(-1),
            "downtimeLimit=PT-0.001S", b -> b.downtimeLimit(Duration.ofMillis(-1)),
            "downtimeLimit=PT33M20.001S", b -> b.downtimeLimit(Duration.ofMillis(2_000_001)),
            "connectLimit=PT-1S", b -> b.connectLimit(Duration.ofSeconds(-1)));

    @Test
    void whatIsOutsideItsRangeIsRefusedByNameValueAndRange() {
        OUTSIDE.forEach((text, setting) -> {
            OutgoingConfig.Builder builder = setting.apply(OutgoingConfig.builder());

            String message = assertThrows(IllegalArgumentException.class, builder::build, text)
                    .getMessage();
            assertTrue(message.startsWith(text + ": expected "), message);
        });
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 255})
    void theEndsOfTheRangesAreInThem(int channels) {
        OutgoingConfig config = OutgoingConfig.builder()
                .channels(channels)
                .maxBandwidth(channels == 0 ? 0 : Long.MAX_VALUE)
                .downtimeLimit(channels == 0 ? Duration.ZERO : Duration.ofSeconds(2000))
                .connectLimit(Duration.ZERO)
                .build();

        assertEquals(channels, config.channels());
    }

    @Test
    void unlessToldOtherwiseOneStreamGoesWithoutACap() {
        OutgoingConfig config = OutgoingConfig.builder().build();

        assertEquals(0, config.channels());
        assertEquals(0, config.maxBandwidth());
        assertEquals(Duration.ofMillis(300), config.downtimeLimit());
        assertFalse(config.returnPath());
        assertFalse(config.holeRuns());
    }
}
