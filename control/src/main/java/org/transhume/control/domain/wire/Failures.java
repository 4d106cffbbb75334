package org.transhume.control.domain.wire;

import java.util.Optional;
import org.transhume.control.domain.error.DomainException;
import org.transhume.control.domain.error.ErrorCode;
import org.transhume.control.domain.error.HostLostException;
import org.transhume.control.domain.error.IllegalMigrationException;
import org.transhume.control.domain.error.JobConflictException;
import org.transhume.control.domain.error.MigrationAbortedException;
import org.transhume.control.domain.error.MigrationFailedException;
import org.transhume.control.domain.error.NoSuchDomainException;
import org.transhume.control.domain.error.NotRecoverableException;
import org.transhume.control.domain.error.PointOfNoReturnException;
import org.transhume.control.domain.error.StatsUnavailableException;
import org.transhume.control.domain.error.UnsafeMigrationException;
import org.transhume.control.domain.error.UnsupportedCapabilityException;
import org.transhume.control.domain.error.Violation;
import org.transhume.control.qmp.Json;
import org.transhume.engine.MigrationException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Refusals in frames: a caller sees the same exception as one in the host's own process. */
final class Failures {
    private Failures() {}

    static ObjectNode json(RuntimeException failure) {
        ErrorCode code = switch (failure) {
            case DomainException known -> known.code();
            case IllegalStateException _ -> ErrorCode.INVALID_OPERATION;
            case IllegalArgumentException _ -> ErrorCode.INVALID_ARGUMENT;
            default -> ErrorCode.MIGRATION_FAILED;
        };
        ObjectNode object =
                Json.object().put("error", code.code()).put("message", MigrationException.reasonOf(failure));
        switch (failure) {
            case IllegalMigrationException illegal -> {
                ArrayNode violations = object.putArray("violations");
                illegal.violations()
                        .forEach(v ->
                                violations.addObject().put("code", v.code()).put("message", v.message()));
            }
            case MigrationFailedException failed -> {
                failed.sourceCause().ifPresent(cause -> object.put("source", cause));
                failed.destinationCause().ifPresent(cause -> object.put("destination", cause));
            }
            default -> {
                // the message says it all
            }
        }
        return object;
    }

    static RuntimeException of(JsonNode object) {
        String message = Values.text(object, "message");
        Optional<ErrorCode> code = ErrorCode.of((int) Values.number(object, "error"));
        if (code.isEmpty()) {
            return MigrationFailedException.atDestination(message, null);
        }
        return switch (code.get()) {
            case ILLEGAL_MIGRATION ->
                new IllegalMigrationException(Values.list(object, "violations").stream()
                        .map(v -> new Violation(Values.text(v, "code"), Values.text(v, "message")))
                        .toList());
            case UNSUPPORTED_CAPABILITY -> new UnsupportedCapabilityException(message);
            case JOB_CONFLICT -> new JobConflictException(message);
            case POINT_OF_NO_RETURN -> new PointOfNoReturnException(message);
            case NOT_RECOVERABLE -> new NotRecoverableException(message);
            case STATS_UNAVAILABLE -> new StatsUnavailableException(message);
            case UNSAFE_MIGRATION -> new UnsafeMigrationException(message);
            case MIGRATION_FAILED -> failed(object, message);
            case NO_SUCH_DOMAIN -> new NoSuchDomainException(message);
            case MIGRATION_ABORTED -> new MigrationAbortedException(message);
            // That host lost another one: it did answer.
            case HOST_LOST -> MigrationFailedException.atSource(message, new HostLostException(message, null));
            case INVALID_OPERATION -> new IllegalStateException(message);
            case INVALID_ARGUMENT -> new IllegalArgumentException(message);
        };
    }

    private static MigrationFailedException failed(JsonNode object, String message) {
        boolean source = object.has("source");
        if (object.has("destination")) {
            String destination = Values.text(object, "destination");
            return source
                    ? MigrationFailedException.joined(Values.text(object, "source"), Optional.of(destination))
                    : MigrationFailedException.atDestination(destination, null);
        }
        return MigrationFailedException.atSource(message, null);
    }
}
