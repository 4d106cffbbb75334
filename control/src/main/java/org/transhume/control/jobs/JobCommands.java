package org.transhume.control.jobs;

import java.util.List;
import org.transhume.control.qmp.Argument;
import org.transhume.control.qmp.ArgumentType;
import org.transhume.control.qmp.Arguments;
import org.transhume.control.qmp.QmpCommand;
import org.transhume.control.qmp.QmpError;
import org.transhume.control.qmp.QmpEvent;
import org.transhume.control.settings.IntegerType;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** {@code query-jobs} and {@code job-dismiss} (spec: control.md §2.4). */
public final class JobCommands {
    private static final List<String> TYPES = List.of("snapshot-load", "snapshot-save", "snapshot-delete");

    private final Jobs jobs;

    private JobCommands(Jobs jobs) {
        this.jobs = jobs;
    }

    public static QmpCommand[] of(Jobs jobs) {
        JobCommands commands = new JobCommands(jobs);
        ArgumentType text = new ArgumentType.Text();
        ArgumentType whole = new ArgumentType.Whole(IntegerType.INT64);
        Argument id = Argument.required("id", text);
        return new QmpCommand[] {
            QmpCommand.of("query-jobs", List.of(), _ -> commands.query())
                    .returning(new ArgumentType.ListOf(new ArgumentType.Struct(
                            Argument.required("id", text),
                            Argument.required("type", new ArgumentType.Choice(TYPES)),
                            Argument.required("status", JobStatus.TYPE),
                            Argument.required("current-progress", whole),
                            Argument.required("total-progress", whole),
                            Argument.optional("error", text))))
                    .describedAs("all jobs that were not dismissed yet"),
            QmpCommand.of("job-dismiss", List.of(id), commands::dismiss).describedAs("forgets a job that has concluded")
        };
    }

    /** What jobs tell of. */
    public static QmpEvent event() {
        return new QmpEvent(
                "JOB_STATUS_CHANGE",
                List.of(Argument.required("id", new ArgumentType.Text()), Argument.required("status", JobStatus.TYPE)),
                "a job is in another state");
    }

    private JsonNode query() {
        ArrayNode list = JsonNodeFactory.instance.arrayNode();
        for (Jobs.Job job : jobs.all()) {
            ObjectNode entry = list.addObject();
            // There is one step to make, and it is made or given up at the end.
            entry.put("current-progress", job.concluded() ? 1 : 0);
            entry.put("status", job.status().wireName());
            entry.put("total-progress", 1);
            entry.put("type", job.type());
            entry.put("id", job.id());
            if (job.error() != null) {
                entry.put("error", job.error());
            }
        }
        return list;
    }

    private JsonNode dismiss(Arguments arguments) throws QmpError {
        jobs.dismiss(arguments.text("id").orElseThrow());
        return null;
    }
}
