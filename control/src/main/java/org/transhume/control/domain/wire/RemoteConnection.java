package org.transhume.control.domain.wire;

import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import org.transhume.channels.Connection;
import org.transhume.channels.qemu.CorruptStreamException;
import org.transhume.control.domain.BeginReply;
import org.transhume.control.domain.Cookie;
import org.transhume.control.domain.DomainDefinition;
import org.transhume.control.domain.FinishReply;
import org.transhume.control.domain.HostConnection;
import org.transhume.control.domain.JobId;
import org.transhume.control.domain.MigrationResult;
import org.transhume.control.domain.PerformReply;
import org.transhume.control.domain.PrepareReply;
import org.transhume.control.domain.Verdict;
import org.transhume.control.domain.error.HostLostException;
import org.transhume.control.domain.spec.Bandwidth;
import org.transhume.control.domain.spec.ByteCount;
import org.transhume.control.domain.spec.MigrationSpec;
import org.transhume.control.domain.stats.JobStats;
import org.transhume.control.qmp.Json;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Calls in frames. Each waits for its answer; a host that vanishes is a {@link HostLostException}. */
final class RemoteConnection implements HostConnection {
    private final Connection connection;
    private final Frames frames;
    private final String uri;

    private RemoteConnection(Connection connection, String uri) {
        this.connection = connection;
        this.frames = new Frames(connection);
        this.uri = uri;
    }

    /** The connection is its own from here on. */
    static RemoteConnection over(Connection connection, String uri) {
        RemoteConnection remote = new RemoteConnection(connection, uri);
        try {
            remote.frames.greet();
            remote.frames.greeted();
            return remote;
        } catch (IOException | CorruptStreamException e) {
            remote.close();
            throw new HostLostException("host %s: %s".formatted(uri, e.getMessage()), e);
        }
    }

    private synchronized JsonNode call(Call call, ObjectNode request) {
        request.put("call", call.code());
        JsonNode answer;
        try {
            frames.write(request);
            answer = frames.read();
        } catch (IOException | CorruptStreamException e) {
            connection.close();
            throw new HostLostException("host %s: %s".formatted(uri, e.getMessage()), e);
        }
        if (answer.has("error")) {
            throw Failures.of(answer);
        }
        return Values.object(answer, "ok");
    }

    private static ObjectNode of(String domain) {
        return Json.object().put("domain", domain);
    }

    private static ObjectNode of(JobId job, Cookie cookie) {
        ObjectNode request = Json.object().put("job", job.value().toString());
        request.set("cookie", Values.json(cookie));
        return request;
    }

    @Override
    public BeginReply begin(String domain, MigrationSpec spec) {
        ObjectNode request = of(domain);
        request.set("spec", Values.json(spec));
        JsonNode ok = call(Call.BEGIN, request);
        return new BeginReply(
                Values.job(ok),
                Values.definition(Values.object(ok, "definition")),
                Values.flag(ok, "paused"),
                Values.cookie(ok),
                Values.instant(ok, "sent"));
    }

    @Override
    public PrepareReply prepare(JobId job, DomainDefinition definition, MigrationSpec spec, Cookie fromBegin) {
        ObjectNode request = of(job, fromBegin);
        request.set("definition", Values.json(definition));
        request.set("spec", Values.json(spec));
        JsonNode ok = call(Call.PREPARE, request);
        Optional<String> listening = ok.has("uri") ? Optional.of(Values.text(ok, "uri")) : Optional.empty();
        return new PrepareReply(listening, Values.cookie(ok), Values.instant(ok, "sent"));
    }

    @Override
    public PerformReply perform(JobId job, String to, Cookie fromPrepare) {
        JsonNode ok = call(Call.PERFORM, of(job, fromPrepare).put("uri", to));
        return new PerformReply(Values.cookie(ok), Values.instant(ok, "sent"));
    }

    @Override
    public FinishReply finish(JobId job, Cookie fromPerform, boolean cancelled) {
        JsonNode ok = call(Call.FINISH, of(job, fromPerform).put("cancelled", cancelled));
        return new FinishReply(
                ok.has("arrived") ? Optional.of(Values.domain(Values.object(ok, "arrived"))) : Optional.empty(),
                ok.has("cause") ? Optional.of(Values.text(ok, "cause")) : Optional.empty(),
                Values.cookie(ok),
                Values.instant(ok, "sent"));
    }

    @Override
    public void confirm(JobId job, Cookie fromFinish, Verdict verdict) {
        JsonNode _ = call(Call.CONFIRM, of(job, fromFinish).put("verdict", verdict.code()));
    }

    @Override
    public MigrationResult migrateToUri(String domain, String to, MigrationSpec spec) {
        ObjectNode request = of(domain).put("uri", to);
        request.set("spec", Values.json(spec));
        return Results.of(call(Call.MIGRATE_TO_URI, request));
    }

    @Override
    public Optional<JobStats> jobStats(String domain) {
        return stats(call(Call.JOB_STATS, of(domain)));
    }

    @Override
    public Optional<JobStats> completedStats(String domain, boolean keep) {
        return stats(call(Call.COMPLETED_STATS, of(domain).put("keep", keep)));
    }

    private static Optional<JobStats> stats(JsonNode ok) {
        return ok.has("stats") ? Optional.of(Values.stats(Values.object(ok, "stats"))) : Optional.empty();
    }

    @Override
    public void abort(String domain, boolean postCopy) {
        JsonNode _ = call(Call.ABORT, of(domain).put("postcopy", postCopy));
    }

    @Override
    public void startPostCopy(String domain) {
        JsonNode _ = call(Call.START_POSTCOPY, of(domain));
    }

    @Override
    public Duration maxDowntime(String domain) {
        return Duration.ofMillis(Values.number(call(Call.GET_MAX_DOWNTIME, of(domain)), "value"));
    }

    @Override
    public void maxDowntime(String domain, Duration limit) {
        JsonNode _ = call(Call.SET_MAX_DOWNTIME, of(domain).put("value", limit.toMillis()));
    }

    @Override
    public Bandwidth maxSpeed(String domain, boolean postCopy) {
        return new Bandwidth(Values.number(call(Call.GET_MAX_SPEED, of(domain).put("postcopy", postCopy)), "value"));
    }

    @Override
    public void maxSpeed(String domain, boolean postCopy, Bandwidth cap) {
        JsonNode _ =
                call(Call.SET_MAX_SPEED, of(domain).put("postcopy", postCopy).put("value", cap.mebibytes()));
    }

    @Override
    public ByteCount compressionCache(String domain) {
        return new ByteCount(Values.number(call(Call.GET_COMPRESSION_CACHE, of(domain)), "value"));
    }

    @Override
    public void compressionCache(String domain, ByteCount size) {
        JsonNode _ = call(Call.SET_COMPRESSION_CACHE, of(domain).put("value", size.bytes()));
    }

    /** A call under way fails; its buffers go when it has. */
    @Override
    public void close() {
        connection.close();
        synchronized (this) {
            frames.close();
        }
    }
}
