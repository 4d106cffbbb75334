package org.transhume.control.process;

import java.util.List;
import java.util.concurrent.TimeUnit;
import org.transhume.control.dirtyrate.DirtyRate;
import org.transhume.control.guest.GuestRuntime;
import org.transhume.control.guest.MigrationControl;
import org.transhume.control.guest.RunState;
import org.transhume.control.qmp.Argument;
import org.transhume.control.qmp.ArgumentType;
import org.transhume.control.qmp.Arguments;
import org.transhume.control.qmp.Feature;
import org.transhume.control.qmp.QmpCommand;
import org.transhume.control.qmp.QmpError;
import org.transhume.control.settings.IntegerType;
import org.transhume.control.settings.Parameter;
import org.transhume.control.settings.Profile;
import org.transhume.control.settings.SettingsValues;
import org.transhume.engine.forecast.Plan;
import org.transhume.engine.plan.Planning;
import org.transhume.engine.plan.Planning.Status;
import org.transhume.memory.PageSize;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** {@code x-plan} begins to plan a migration, {@code query-x-plan} has what came of it (docs/forecast.md). */
final class PlanCommands {
    private static final long MOST_SECONDS = 60;
    private static final long MOST_LIMIT_MILLIS = 2_000_000;
    private static final long USUAL_SECONDS = 3;
    private static final int USUAL_ZSTD_LEVEL = 1;

    private final GuestRuntime guest;
    private final MigrationControl control;
    private final DirtyRate rate;
    private final Planning planning;

    private PlanCommands(GuestRuntime guest, MigrationControl control, DirtyRate rate, Planning planning) {
        this.guest = guest;
        this.control = control;
        this.rate = rate;
        this.planning = planning;
    }

    static QmpCommand[] of(GuestRuntime guest, MigrationControl control, DirtyRate rate, Planning planning) {
        PlanCommands commands = new PlanCommands(guest, control, rate, planning);
        ArgumentType whole = new ArgumentType.Whole(IntegerType.INT64);
        return new QmpCommand[] {
            QmpCommand.of(
                            "x-plan",
                            List.of(
                                    Argument.optional("seconds", whole)
                                            .about("to look at the guest, 1..60, 3 without it"),
                                    Argument.optional("bandwidth", whole).about("bytes/s, max-bandwidth without it"),
                                    Argument.optional("downtime-limit", whole)
                                            .about("ms, 1..2000000, the parameter without it")),
                            commands::plan)
                    .describedAs("looks at the guest for some seconds, and foretells what a migration would come to")
                    .onlyWhen("with the guest here, and neither migration, plan nor calc-dirty-rate under way"),
            QmpCommand.of("query-x-plan", List.of(), _ -> commands.query())
                    .returning(PlanTypes.result())
                    .describedAs("the latest plan: time, pause, bytes and verdict for each strategy")
                    .with(Feature.UNSTABLE)
        };
    }

    private JsonNode plan(Arguments arguments) throws QmpError {
        SettingsValues settings = control.settings().values();
        long seconds = within("seconds", arguments.whole("seconds", USUAL_SECONDS), MOST_SECONDS);
        long limit = within(
                "downtime-limit",
                arguments.whole("downtime-limit", settings.size(Parameter.DOWNTIME_LIMIT)),
                MOST_LIMIT_MILLIS);
        long bandwidth = arguments.whole("bandwidth", settings.size(Parameter.MAX_BANDWIDTH));
        if (bandwidth == 0 && !arguments.has("bandwidth")) {
            throw new QmpError("bandwidth is needed, as max-bandwidth is 0: give bytes per second");
        }
        bandwidth = within("bandwidth", bandwidth, Long.MAX_VALUE);
        if (rate.result().status() == DirtyRate.Status.MEASURING) {
            throw new QmpError(
                    "calc-dirty-rate is measuring this guest: try again when query-dirty-rate has its result");
        }
        if (guest.state() == RunState.INMIGRATE) {
            throw new QmpError("the guest has not arrived yet: plan when it runs");
        }
        if (control.arrivesInPostcopy()) {
            throw new QmpError("pages of the guest are still missing here: plan when its migration has completed");
        }
        if (control.outgoing().isPresent()
                && !control.outgoing().get().completion().isDone()) {
            throw new QmpError("a migration is under way: with capability x-report, query-migrate has its forecast");
        }
        Plan.Way way = new Plan.Way((double) bandwidth, TimeUnit.MILLISECONDS.toNanos(limit));
        int level =
                settings.profile() == Profile.V3_1 ? USUAL_ZSTD_LEVEL : settings.count(Parameter.MULTIFD_ZSTD_LEVEL);
        if (!planning.start(new Planning.Order(seconds, way, level))) {
            throw new QmpError("a plan is being made already: query-x-plan has its result when it is done");
        }
        return null;
    }

    private static long within(String name, long value, long most) throws QmpError {
        if (value < 1 || value > most) {
            throw new QmpError("%s is %d, expected 1..%d".formatted(name, value, most));
        }
        return value;
    }

    private JsonNode query() {
        Planning.Result result = planning.result();
        ObjectNode info = JsonNodeFactory.instance.objectNode();
        info.put("status", result.status().wireName());
        if (result.status() == Status.UNSTARTED) {
            return info;
        }
        Planning.Order order = result.order();
        info.put("seconds", order.seconds());
        info.put("bandwidth", (long) order.way().bytesPerSecond());
        info.put("downtime-limit", TimeUnit.NANOSECONDS.toMillis(order.way().limitNanos()));
        if (result.status() == Status.FAILED) {
            info.put("reason", result.reason());
        }
        if (result.status() == Status.MEASURED) {
            answer(info, result.answer());
        }
        return info;
    }

    private static void answer(ObjectNode info, Planning.Answer answer) {
        info.put("seed", answer.seed());
        info.put("used-bytes", answer.usedPages() * PageSize.BYTES);
        info.put("zero-share", answer.zeroShare());
        info.put("dirty-pages-per-second", answer.dirtyPages());
        ArrayNode strategies = info.putArray("strategies");
        answer.strategies().forEach((name, planned) -> {
            Plan plan = planned.plan();
            ObjectNode node = strategies.addObject().put("strategy", name);
            node.put("bytes-per-page", planned.strategy().bytesPerPage());
            if (Double.isFinite(planned.strategy().pagesPerSecond())) {
                node.put("pages-per-second", planned.strategy().pagesPerSecond());
            }
            if (plan.verdict().converges()) {
                node.put("total-time", plan.millis());
                node.put("downtime", plan.downtime());
                node.put("bytes", (long) plan.bytes());
            }
            node.set("verdict", ForecastMember.verdict(plan.verdict()));
        });
    }
}
