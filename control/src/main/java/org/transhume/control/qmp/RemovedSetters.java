package org.transhume.control.qmp;

import java.util.List;
import java.util.Map;
import org.transhume.control.settings.IntegerType;
import org.transhume.control.settings.Parameter;
import org.transhume.control.settings.SettingRefusedException;
import tools.jackson.databind.JsonNode;

/** Commands from before there were parameters, which 3.1 still has (spec: control.md §2.3). */
final class RemovedSetters {
    private static final int MOST_SECONDS = 2000;
    private static final int MILLIS_PER_SECOND = 1000;

    private final SettingsCommands.ParameterChange change;

    private RemovedSetters(SettingsCommands.ParameterChange change) {
        this.change = change;
    }

    static List<QmpCommand> of(SettingsCommands.ParameterChange change) {
        RemovedSetters setters = new RemovedSetters(change);
        Argument bytes = Argument.required("value", new ArgumentType.Whole(IntegerType.INT64));
        Argument seconds = Argument.required("value", new ArgumentType.Decimal());
        return List.of(
                QmpCommand.of("migrate_set_speed", List.of(bytes), setters::speed)
                        .describedAs("sets max-bandwidth, in bytes per second")
                        .with(Feature.DEPRECATED),
                QmpCommand.of("migrate_set_downtime", List.of(seconds), setters::downtime)
                        .describedAs("sets downtime-limit, in seconds")
                        .with(Feature.DEPRECATED));
    }

    private JsonNode speed(Arguments arguments) throws QmpError {
        return make(Parameter.MAX_BANDWIDTH, Math.max(0, arguments.whole("value", 0)));
    }

    private JsonNode downtime(Arguments arguments) throws QmpError {
        double seconds = arguments.decimal("value", 0);
        if (seconds < 0 || seconds > MOST_SECONDS) {
            throw new QmpError("Parameter 'downtime_limit' expects an integer in the range of 0 to 2000 seconds");
        }
        return make(Parameter.DOWNTIME_LIMIT, (long) (seconds * MILLIS_PER_SECOND));
    }

    private JsonNode make(Parameter parameter, long value) throws QmpError {
        try {
            change.make(Map.of(parameter, value));
            return null;
        } catch (SettingRefusedException refused) {
            throw new QmpError(refused.getMessage());
        }
    }
}
