package org.transhume.control.qmp;

import java.time.Duration;
import java.util.List;
import org.transhume.control.settings.IntegerType;
import org.transhume.control.settings.Settings;
import tools.jackson.databind.JsonNode;

/** {@code migrate-set-mc-delay} of the micro-checkpointing RFC, in every profile (spec: control.md §2.8). */
final class MicroCheckpointCommand {
    private static final long MOST_MILLIS = 0xFFFF_FFFFL;

    private MicroCheckpointCommand() {}

    static QmpCommand of(Settings settings) {
        Argument millis = Argument.required("value", new ArgumentType.Whole(IntegerType.INT64));
        return QmpCommand.of("migrate-set-mc-delay", List.of(millis), arguments -> set(settings, arguments))
                .describedAs("sets the longest time between two micro-checkpoints, in milliseconds");
    }

    private static JsonNode set(Settings settings, Arguments arguments) throws QmpError {
        long millis = arguments.whole("value", 0);
        if (millis < 0 || millis > MOST_MILLIS) {
            throw new QmpError("Parameter 'value' expects a value between 0 and 4294967295");
        }
        settings.checkpointDelay(Duration.ofMillis(millis));
        return null;
    }
}
