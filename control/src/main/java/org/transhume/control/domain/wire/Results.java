package org.transhume.control.domain.wire;

import org.transhume.control.domain.MigrationResult;
import org.transhume.control.domain.error.DomainException;
import org.transhume.control.domain.error.MigrationFailedException;
import org.transhume.control.domain.stats.JobStats;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** How a migration ended, in a frame. */
final class Results {
    private static final int COMPLETED = 1;
    private static final int CANCELLED = 2;
    private static final int FAILED = 3;
    private static final int BROKEN = 4;

    private Results() {}

    static void put(MigrationResult result, ObjectNode ok) {
        ok.set("stats", Values.json(result.stats()));
        switch (result) {
            case MigrationResult.Completed completed ->
                ok.put("result", COMPLETED).set("arrived", Values.json(completed.arrived()));
            case MigrationResult.Cancelled _ -> ok.put("result", CANCELLED);
            case MigrationResult.Failed failed ->
                ok.put("result", FAILED).set("failure", Failures.json(failed.cause()));
            case MigrationResult.PostCopyBroken broken ->
                ok.put("result", BROKEN).set("failure", Failures.json(broken.cause()));
        }
    }

    static MigrationResult of(JsonNode ok) {
        JobStats stats = Values.stats(Values.object(ok, "stats"));
        long result = Values.number(ok, "result");
        return switch ((int) result) {
            case COMPLETED -> new MigrationResult.Completed(Values.domain(Values.object(ok, "arrived")), stats);
            case CANCELLED -> new MigrationResult.Cancelled(stats);
            case FAILED -> new MigrationResult.Failed(failure(ok), stats);
            case BROKEN -> new MigrationResult.PostCopyBroken(failure(ok), stats);
            default -> throw new IllegalArgumentException("result %d is unknown".formatted(result));
        };
    }

    private static DomainException failure(JsonNode ok) {
        RuntimeException failure = Failures.of(Values.object(ok, "failure"));
        return failure instanceof DomainException known
                ? known
                : MigrationFailedException.atSource(failure.getMessage(), failure);
    }
}
