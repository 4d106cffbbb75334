package org.transhume.control.process;

import java.util.List;
import org.transhume.control.guest.MigrationControl;
import org.transhume.control.qmp.Argument;
import org.transhume.control.qmp.ArgumentType;
import org.transhume.control.qmp.Feature;
import org.transhume.control.qmp.QmpCommand;
import org.transhume.control.settings.IntegerType;
import org.transhume.control.settings.Profile;
import org.transhume.engine.outgoing.OutgoingMigration;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;

/** {@code query-migrationthreads}: those of the source, as with QEMU (spec: control.md §2.2). */
final class ThreadCommands {
    private static final ArgumentType THREADS = new ArgumentType.ListOf(new ArgumentType.Struct(
            Argument.required("name", new ArgumentType.Text()),
            Argument.required("thread-id", new ArgumentType.Whole(IntegerType.INT64))));

    private ThreadCommands() {}

    /** None in a profile from before it came. */
    static QmpCommand[] of(MigrationControl control) {
        return control.settings().profile() == Profile.V3_1
                ? new QmpCommand[0]
                : new QmpCommand[] {
                    QmpCommand.of("query-migrationthreads", List.of(), _ -> list(control))
                            .returning(THREADS)
                            .describedAs("the threads of the migration that runs, with their Linux thread ids")
                            .with(Feature.DEPRECATED)
                };
    }

    private static JsonNode list(MigrationControl control) {
        ArrayNode list = JsonNodeFactory.instance.arrayNode();
        control.outgoing()
                .map(OutgoingMigration::threads)
                .orElse(List.of())
                .forEach(thread -> list.addObject().put("name", thread.name()).put("thread-id", thread.id()));
        return list;
    }
}
