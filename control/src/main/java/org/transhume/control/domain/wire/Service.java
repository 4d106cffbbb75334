package org.transhume.control.domain.wire;

import java.time.Duration;
import java.util.Optional;
import org.transhume.control.domain.BeginReply;
import org.transhume.control.domain.FinishReply;
import org.transhume.control.domain.HostConnection;
import org.transhume.control.domain.PerformReply;
import org.transhume.control.domain.PrepareReply;
import org.transhume.control.domain.spec.Bandwidth;
import org.transhume.control.domain.spec.ByteCount;
import org.transhume.control.domain.stats.JobStats;
import org.transhume.control.qmp.Json;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** A request in a frame, done and answered. */
final class Service {
    private Service() {}

    static ObjectNode answer(HostConnection host, JsonNode request) {
        try {
            ObjectNode answer = Json.object();
            answer.set("ok", done(host, Call.of(Values.number(request, "call")), request));
            return answer;
        } catch (RuntimeException e) {
            return Failures.json(e);
        }
    }

    private static ObjectNode done(HostConnection host, Call call, JsonNode request) {
        ObjectNode ok = Json.object();
        switch (call) {
            case BEGIN -> {
                BeginReply reply = host.begin(domain(request), Values.spec(Values.object(request, "spec")));
                ok.put("job", reply.job().value().toString());
                ok.set("definition", Values.json(reply.definition()));
                ok.put("paused", reply.paused());
                ok.set("cookie", Values.json(reply.cookie()));
                ok.put("sent", reply.sentAt().toEpochMilli());
            }
            case PREPARE -> {
                PrepareReply reply = host.prepare(
                        Values.job(request),
                        Values.definition(Values.object(request, "definition")),
                        Values.spec(Values.object(request, "spec")),
                        Values.cookie(request));
                reply.uri().ifPresent(uri -> ok.put("uri", uri));
                ok.set("cookie", Values.json(reply.cookie()));
                ok.put("sent", reply.sentAt().toEpochMilli());
            }
            case PERFORM -> {
                PerformReply reply =
                        host.perform(Values.job(request), Values.text(request, "uri"), Values.cookie(request));
                ok.set("cookie", Values.json(reply.cookie()));
                ok.put("sent", reply.sentAt().toEpochMilli());
            }
            case FINISH -> {
                FinishReply reply =
                        host.finish(Values.job(request), Values.cookie(request), Values.flag(request, "cancelled"));
                reply.arrived().ifPresent(arrived -> ok.set("arrived", Values.json(arrived)));
                reply.cause().ifPresent(cause -> ok.put("cause", cause));
                ok.set("cookie", Values.json(reply.cookie()));
                ok.put("sent", reply.sentAt().toEpochMilli());
            }
            case CONFIRM -> host.confirm(Values.job(request), Values.cookie(request), Values.verdict(request));
            case MIGRATE_TO_URI ->
                Results.put(
                        host.migrateToUri(
                                domain(request),
                                Values.text(request, "uri"),
                                Values.spec(Values.object(request, "spec"))),
                        ok);
            case JOB_STATS -> put(host.jobStats(domain(request)), ok);
            case COMPLETED_STATS -> put(host.completedStats(domain(request), Values.flag(request, "keep")), ok);
            case ABORT -> host.abort(domain(request), postCopy(request));
            case START_POSTCOPY -> host.startPostCopy(domain(request));
            case GET_MAX_DOWNTIME ->
                ok.put("value", host.maxDowntime(domain(request)).toMillis());
            case SET_MAX_DOWNTIME -> host.maxDowntime(domain(request), Duration.ofMillis(value(request)));
            case GET_MAX_SPEED ->
                ok.put(
                        "value",
                        host.maxSpeed(domain(request), postCopy(request)).mebibytes());
            case SET_MAX_SPEED -> host.maxSpeed(domain(request), postCopy(request), new Bandwidth(value(request)));
            case GET_COMPRESSION_CACHE ->
                ok.put("value", host.compressionCache(domain(request)).bytes());
            case SET_COMPRESSION_CACHE -> host.compressionCache(domain(request), new ByteCount(value(request)));
        }
        return ok;
    }

    private static void put(Optional<JobStats> stats, ObjectNode ok) {
        stats.ifPresent(some -> ok.set("stats", Values.json(some)));
    }

    private static String domain(JsonNode request) {
        return Values.name(request, "domain");
    }

    private static boolean postCopy(JsonNode request) {
        return Values.flag(request, "postcopy");
    }

    private static long value(JsonNode request) {
        return Values.number(request, "value");
    }
}
