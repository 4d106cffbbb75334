package org.transhume.control.process;

import java.util.List;
import java.util.Map;
import org.transhume.control.guest.MigrationControl;
import org.transhume.control.qmp.Argument;
import org.transhume.control.qmp.ArgumentType;
import org.transhume.control.qmp.Arguments;
import org.transhume.control.qmp.QmpCommand;
import org.transhume.control.qmp.QmpError;
import org.transhume.control.settings.Profile;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;

/** {@code yank} and {@code query-yank}: of what QEMU can break, there are migrations here (spec: control.md §2.7). */
final class YankCommands {
    private static final String MIGRATION = "migration";

    private final MigrationControl control;

    private YankCommands(MigrationControl control) {
        this.control = control;
    }

    /** None in a profile from before they came. */
    static QmpCommand[] of(MigrationControl control) {
        if (control.settings().profile() == Profile.V3_1) {
            return new QmpCommand[0];
        }
        YankCommands commands = new YankCommands(control);
        ArgumentType text = new ArgumentType.Text();
        ArgumentType instances = new ArgumentType.ListOf(new ArgumentType.Union(
                List.of(),
                "type",
                Map.of(
                        MIGRATION,
                        new ArgumentType.Struct(),
                        "chardev",
                        new ArgumentType.Struct(Argument.required("id", text)),
                        "block-node",
                        new ArgumentType.Struct(Argument.required("node-name", text)))));
        return new QmpCommand[] {
            QmpCommand.outOfBand("yank", List.of(Argument.required("instances", instances)), commands::yank)
                    .describedAs("breaks the connections of a migration that hangs")
                    .onlyWhen("while what it names is there"),
            QmpCommand.outOfBand("query-yank", List.of(), _ -> commands.query())
                    .returning(instances)
                    .describedAs("what yank could break now")
        };
    }

    /** All of them, or none if one is missing. */
    private JsonNode yank(Arguments arguments) throws QmpError {
        List<Arguments> instances = arguments.structs("instances");
        for (Arguments instance : instances) {
            boolean there = instance.text("type").orElseThrow().equals(MIGRATION) && control.yankable();
            if (!there) {
                throw new QmpError(QmpError.Kind.DEVICE_NOT_FOUND, "Instance not found");
            }
        }
        if (!instances.isEmpty()) {
            control.yank();
        }
        return null;
    }

    private JsonNode query() {
        ArrayNode list = JsonNodeFactory.instance.arrayNode();
        if (control.yankable()) {
            list.addObject().put("type", MIGRATION);
        }
        return list;
    }
}
