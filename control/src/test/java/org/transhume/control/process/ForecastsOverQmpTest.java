package org.transhume.control.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.transhume.control.settings.Profile;
import org.transhume.engine.forecast.Forecast;
import org.transhume.engine.outgoing.MigrationProgress;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code x-report}: what {@code query-migrate} says of the future of a guest that writes. */
@Timeout(60)
class ForecastsOverQmpTest {
    private static final long RAM = 64 << 20;
    private static final List<String> PAUSE =
            List.of("total", "predicted", "stop", "held", "last-harvest", "last-pages", "devices", "wire", "start");

    @TempDir
    Path folder;

    @Test
    void foretellsThatItDoesNotConvergeAndWhatWouldLetIt() throws Exception {
        try (DrivenGuest source = DrivenGuest.writing(folder.resolve("src"), RAM, 20_000);
                DrivenGuest destination = DrivenGuest.arriving(folder.resolve("dst"), Profile.V10_0, null, RAM)) {
            source.enable("return-path", "x-report");
            destination.enable("return-path"); // the other side need not know of it
            source.set("{'max-bandwidth': 16777216, 'downtime-limit': 20}");
            source.execute("migrate", "{'uri': '%s'}".formatted(destination.listen(folder.resolve("in"))));
            DrivenGuest.await(
                    "verdict",
                    () -> foretold(source).path("verdict").path("converges").isBoolean()
                            && !foretold(source)
                                    .path("verdict")
                                    .get("converges")
                                    .booleanValue());

            JsonNode negative = foretold(source);
            source.set("{'max-bandwidth': 0, 'downtime-limit': 2000}");
            source.awaitStatus("completed");
            JsonNode end = foretold(source);

            JsonNode verdict = negative.get("verdict");
            assertTrue(negative.get("progress").doubleValue() < 1, negative.toString());
            assertTrue(negative.get("predicted-downtime").doubleValue() > 0, negative.toString());
            assertTrue(negative.get("forecast-age").doubleValue() >= 0, negative.toString());
            assertFalse(negative.has("eta"), "no end, and a number for it: " + negative);
            assertFalse(negative.has("downtime"), negative.toString());
            double bandwidth = verdict.get("bandwidth").doubleValue();
            assertTrue(bandwidth > 0 && bandwidth < 20e6, verdict.toString());
            assertTrue(verdict.get("needed-bandwidth").doubleValue() > bandwidth, verdict.toString());
            assertTrue(verdict.get("needed-downtime-limit").doubleValue() > 20, verdict.toString());
            assertTrue(verdict.get("needed-throttle").intValue() >= 1, verdict.toString());
            assertEquals(PAUSE, List.copyOf(end.get("downtime").propertyNames()));
            double parts = 0;
            for (String part : PAUSE.subList(2, PAUSE.size())) {
                parts += end.get("downtime").get(part).doubleValue();
            }
            assertEquals(end.get("downtime").get("total").doubleValue(), parts, 0.01);
            assertEquals(1, end.get("progress").doubleValue());
        }
    }

    @Test
    void saysNothingOfItsOwnUnlessAskedTo() throws Exception {
        try (DrivenGuest source = DrivenGuest.leaving(folder.resolve("src"), Profile.V10_0, null, RAM);
                DrivenGuest destination = DrivenGuest.arriving(folder.resolve("dst"), Profile.V10_0, null, RAM)) {
            source.execute("migrate", "{'uri': '%s'}".formatted(destination.listen(folder.resolve("in"))));
            source.awaitStatus("completed");

            JsonNode info = source.info();

            assertFalse(info.has("x-transhume"), info.toString());
        }
    }

    @Test
    void leavesOutWhatIsNotKnown() {
        MigrationProgress begun = new MigrationProgress(
                5, 0, 0, 300, RAM, RAM, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, null, null, Forecast.UNKNOWN);

        ObjectNode member = ForecastMember.of(begun, Optional.empty());

        assertEquals(List.of("progress"), List.copyOf(member.propertyNames()));
    }

    private static JsonNode foretold(DrivenGuest guest) throws Exception {
        return guest.info().path("x-transhume");
    }
}
