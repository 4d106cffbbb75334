package org.transhume.control.process;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.transhume.control.qmp.Argument;
import org.transhume.control.qmp.ArgumentType;
import org.transhume.engine.forecast.Forecast;
import org.transhume.engine.forecast.Verdict;
import org.transhume.engine.outgoing.MigrationProgress;
import org.transhume.engine.outgoing.OutgoingReport;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * What Transhume foretells, as one member of {@code query-migrate} (capability {@code x-report}; docs/forecast.md). Times are
 * milliseconds, bandwidths bytes a second; what is not known is not there.
 */
final class ForecastMember {
    static final String NAME = "x-transhume";

    private ForecastMember() {}

    /** What {@link #of} makes. */
    static ArgumentType type() {
        List<Argument> members =
                numbers("progress", "predicted-downtime", "eta", "eta-low", "eta-high", "forecast-age");
        members.add(Argument.optional("verdict", verdictType()));
        members.add(Argument.optional(
                "downtime",
                new ArgumentType.Struct(numbers(
                        "total",
                        "predicted",
                        "stop",
                        "held",
                        "last-harvest",
                        "last-pages",
                        "devices",
                        "wire",
                        "start"))));
        return new ArgumentType.Struct(members);
    }

    /** What {@link #verdict} makes. */
    static ArgumentType verdictType() {
        List<Argument> members = numbers("bandwidth", "needed-bandwidth", "needed-downtime-limit", "needed-throttle");
        members.addFirst(Argument.required("converges", new ArgumentType.Flag()));
        return new ArgumentType.Struct(members);
    }

    private static List<Argument> numbers(String... names) {
        return Stream.of(names)
                .map(name -> Argument.optional(name, new ArgumentType.Decimal()))
                .collect(Collectors.toCollection(ArrayList::new));
    }

    /** @param downtime what the pause was made of, once it is over */
    static ObjectNode of(MigrationProgress progress, Optional<OutgoingReport.Downtime> downtime) {
        Forecast forecast = progress.forecast();
        ObjectNode member = object().put("progress", forecast.progress());
        put(member, "predicted-downtime", forecast.downtime());
        put(member, "eta", forecast.eta());
        put(member, "eta-low", forecast.etaLow());
        put(member, "eta-high", forecast.etaHigh());
        if (!forecast.equals(Forecast.UNKNOWN)) {
            put(member, "forecast-age", progress.forecastAgeMillis());
        }
        if (forecast.verdict() != null) {
            member.set("verdict", verdict(forecast.verdict()));
        }
        downtime.ifPresent(pause -> member.set("downtime", downtime(pause)));
        return member;
    }

    /** Members named as those of {@link Verdict}; a need that nothing found would meet is not there. */
    static ObjectNode verdict(Verdict verdict) {
        ObjectNode node = object().put("converges", verdict.converges());
        put(node, "bandwidth", verdict.bytesPerSecond());
        if (!verdict.converges()) {
            putNeeded(node, "needed-bandwidth", verdict.neededBytesPerSecond());
            putNeeded(node, "needed-downtime-limit", verdict.neededLimitMillis());
            if (verdict.neededThrottle() > 0) {
                node.put("needed-throttle", verdict.neededThrottle());
            }
        }
        return node;
    }

    private static ObjectNode downtime(OutgoingReport.Downtime pause) {
        ObjectNode node = object();
        put(node, "total", pause.total());
        put(node, "predicted", pause.predicted());
        put(node, "stop", pause.stop());
        put(node, "held", pause.held());
        put(node, "last-harvest", pause.lastHarvest());
        put(node, "last-pages", pause.lastPages());
        put(node, "devices", pause.devices());
        put(node, "wire", pause.wire());
        put(node, "start", pause.start());
        return node;
    }

    private static void putNeeded(ObjectNode node, String name, double value) {
        if (value > 0) {
            put(node, name, value);
        }
    }

    private static void put(ObjectNode node, String name, double value) {
        if (Double.isFinite(value)) {
            node.put(name, value);
        }
    }

    private static ObjectNode object() {
        return JsonNodeFactory.instance.objectNode();
    }
}
