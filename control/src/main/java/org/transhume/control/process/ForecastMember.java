package org.transhume.control.process;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.transhume.control.qmp.Argument;
import org.transhume.control.qmp.ArgumentType;
import org.transhume.control.settings.IntegerType;
import org.transhume.engine.forecast.Forecast;
import org.transhume.engine.forecast.Verdict;
import org.transhume.engine.outgoing.MigrationProgress;
import org.transhume.engine.outgoing.OutgoingReport;
import org.transhume.engine.stalls.StallFigures;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * What Transhume foretells, and at a destination what later QEMUs tell of waits for pages, as one member of {@code query-migrate}
 * (capability {@code x-report}; docs/forecast.md). Times are milliseconds, those of waits nanoseconds, bandwidths bytes a second;
 * what is not known is not there.
 */
final class ForecastMember {
    static final String NAME = "x-transhume";
    private static final ArgumentType WHOLE = new ArgumentType.Whole(IntegerType.INT64);

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
        ArgumentType counts = new ArgumentType.ListOf(WHOLE);
        members.add(Argument.optional("postcopy-latency", WHOLE).about("ns, mean wait for a page, at the destination"));
        members.add(Argument.optional("postcopy-latency-dist", counts)
                .about("waits that took 1 us or less to 2 us, to 4 us, to 8 us, ..."));
        members.add(Argument.optional("postcopy-vcpu-latency", counts).about("ns, mean of each vCPU"));
        members.add(Argument.optional("postcopy-non-vcpu-latency", WHOLE).about("ns, mean of other threads"));
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

    /** As QEMU 10.1 names them. */
    static ObjectNode of(StallFigures stalls) {
        ObjectNode member = object().put("postcopy-latency", stalls.all().meanNanos());
        ArrayNode counts = member.putArray("postcopy-latency-dist");
        stalls.latencies().forEach(counts::add);
        ArrayNode vcpus = member.putArray("postcopy-vcpu-latency");
        stalls.vcpus().forEach(waits -> vcpus.add(waits.meanNanos()));
        return member.put("postcopy-non-vcpu-latency", stalls.others().meanNanos());
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
