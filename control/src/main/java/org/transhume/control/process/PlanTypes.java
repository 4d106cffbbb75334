package org.transhume.control.process;

import java.util.Arrays;
import org.transhume.control.qmp.Argument;
import org.transhume.control.qmp.ArgumentType;
import org.transhume.control.settings.IntegerType;
import org.transhume.engine.plan.Planning.Status;

/** What {@code query-x-plan} answers (docs/forecast.md). */
final class PlanTypes {
    private PlanTypes() {}

    static ArgumentType result() {
        ArgumentType whole = new ArgumentType.Whole(IntegerType.INT64);
        ArgumentType decimal = new ArgumentType.Decimal();
        ArgumentType text = new ArgumentType.Text();
        ArgumentType strategy = new ArgumentType.Struct(
                Argument.required("strategy", text),
                Argument.required("bytes-per-page", decimal),
                Argument.optional("pages-per-second", decimal),
                Argument.optional("total-time", decimal).about("ms"),
                Argument.optional("downtime", decimal).about("ms"),
                Argument.optional("bytes", whole).about("sent"),
                Argument.required("verdict", ForecastMember.verdictType()));
        return new ArgumentType.Struct(
                Argument.required(
                        "status",
                        new ArgumentType.Choice(Arrays.stream(Status.values())
                                .map(Status::wireName)
                                .toList())),
                Argument.optional("seconds", whole),
                Argument.optional("bandwidth", whole).about("bytes/s"),
                Argument.optional("downtime-limit", whole).about("ms"),
                Argument.optional("reason", text).about("why it failed"),
                Argument.optional("seed", whole).about("of the pages looked at"),
                Argument.optional("used-bytes", whole),
                Argument.optional("zero-share", decimal).about("of the used pages, 0 to 1"),
                Argument.optional("dirty-pages-per-second", decimal),
                Argument.optional("strategies", new ArgumentType.ListOf(strategy)));
    }
}
