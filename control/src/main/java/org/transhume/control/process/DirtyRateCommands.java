package org.transhume.control.process;

import java.util.Arrays;
import java.util.List;
import org.transhume.control.dirtyrate.DirtyRate;
import org.transhume.control.dirtyrate.DirtyRate.Mode;
import org.transhume.control.dirtyrate.DirtyRate.Status;
import org.transhume.control.qmp.Argument;
import org.transhume.control.qmp.ArgumentType;
import org.transhume.control.qmp.Arguments;
import org.transhume.control.qmp.QmpCommand;
import org.transhume.control.qmp.QmpError;
import org.transhume.control.settings.IntegerType;
import org.transhume.control.settings.Profile;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** {@code calc-dirty-rate} and {@code query-dirty-rate} (spec: control.md §2.5). */
final class DirtyRateCommands {
    private static final String MILLISECOND = "millisecond";
    private static final String SECOND = "second";
    private static final long LEAST_MILLIS = 50;
    private static final long MOST_MILLIS = 60_000;
    private static final long LEAST_SAMPLES = 128;
    private static final long MOST_SAMPLES = 16_384;
    private static final long USUAL_SAMPLES = 512;

    private final DirtyRate rate;

    private DirtyRateCommands(DirtyRate rate) {
        this.rate = rate;
    }

    /** None in a profile from before they came. */
    static QmpCommand[] of(DirtyRate rate, Profile profile) {
        if (profile == Profile.V3_1) {
            return new QmpCommand[0];
        }
        DirtyRateCommands commands = new DirtyRateCommands(rate);
        ArgumentType whole = new ArgumentType.Whole(IntegerType.INT64);
        Argument unit = Argument.optional("calc-time-unit", new ArgumentType.Choice(List.of(SECOND, MILLISECOND)));
        ArgumentType modes = new ArgumentType.Choice(
                Arrays.stream(Mode.values()).map(Mode::wireName).toList());
        return new QmpCommand[] {
            QmpCommand.of(
                            "calc-dirty-rate",
                            List.of(
                                    Argument.required("calc-time", whole).about("50 ms to 60 s"),
                                    unit,
                                    Argument.optional("sample-pages", whole)
                                            .about("a GiB, 128..16384, 512 without it; page-sampling only"),
                                    Argument.optional("mode", modes)),
                            commands::measure)
                    .describedAs(
                            "begins to measure how fast the guest writes its RAM, over calc-time of calc-time-unit")
                    .onlyWhen("while none is being measured"),
            QmpCommand.of("query-dirty-rate", List.of(unit), commands::query)
                    .returning(new ArgumentType.Struct(
                            Argument.optional("dirty-rate", whole).about("MiB/s, once measured"),
                            Argument.required(
                                    "status",
                                    new ArgumentType.Choice(Arrays.stream(Status.values())
                                            .map(Status::wireName)
                                            .toList())),
                            Argument.required("start-time", whole).about("s"),
                            Argument.required("calc-time", whole),
                            Argument.required("calc-time-unit", unit.type()),
                            Argument.required("sample-pages", whole),
                            Argument.required("mode", modes),
                            Argument.optional(
                                    "vcpu-dirty-rate",
                                    new ArgumentType.ListOf(new ArgumentType.Struct(
                                            Argument.required("id", whole),
                                            Argument.required("dirty-rate", whole)
                                                    .about("MiB/s"))))))
                    .describedAs("the latest measurement, in MiB/s, and what it was asked for")
        };
    }

    private JsonNode measure(Arguments arguments) throws QmpError {
        if (rate.result().status() == Status.MEASURING) {
            throw alreadyMeasuring();
        }
        long time = arguments.whole("calc-time", 0);
        // Before the unit is applied, so that nothing overflows.
        long millis = time < 0 || time > MOST_MILLIS ? -1 : time * (inMillis(arguments) ? 1 : 1000);
        if (millis < LEAST_MILLIS || millis > MOST_MILLIS) {
            throw new QmpError("Calculation time is out of range [50ms, 60000ms].");
        }
        Mode mode = arguments.text("mode").map(DirtyRateCommands::mode).orElse(Mode.PAGE_SAMPLING);
        long samples = arguments.whole("sample-pages", USUAL_SAMPLES);
        if (arguments.has("sample-pages") && mode != Mode.PAGE_SAMPLING) {
            throw new QmpError("sample-pages is used only in page-sampling mode");
        }
        if (samples < LEAST_SAMPLES || samples > MOST_SAMPLES) {
            throw new QmpError("sample-pages is out of range[128, 16384].");
        }
        if (!rate.supports(mode)) {
            throw new QmpError("mode " + mode.wireName() + " is not enabled, use other method instead.");
        }
        if (!rate.start(mode, millis, samples)) {
            throw alreadyMeasuring();
        }
        return null;
    }

    private static QmpError alreadyMeasuring() {
        return new QmpError("the dirty rate is already being measured.");
    }

    private static Mode mode(String wireName) {
        return Arrays.stream(Mode.values())
                .filter(mode -> mode.wireName().equals(wireName))
                .findFirst()
                .orElseThrow();
    }

    private static boolean inMillis(Arguments arguments) {
        return arguments.text("calc-time-unit").orElse(SECOND).equals(MILLISECOND);
    }

    private JsonNode query(Arguments arguments) {
        DirtyRate.Result result = rate.result();
        boolean millis = inMillis(arguments);
        ObjectNode info = JsonNodeFactory.instance.objectNode();
        info.put("status", result.status().wireName());
        if (result.status() == Status.MEASURED) {
            info.put("dirty-rate", result.rate());
        }
        info.put("start-time", result.startSeconds());
        info.put("calc-time", millis ? result.millis() : result.millis() / 1000);
        info.put("calc-time-unit", millis ? MILLISECOND : SECOND);
        info.put("sample-pages", result.samples());
        info.put("mode", result.mode().wireName());
        if (result.status() == Status.MEASURED && result.mode() == Mode.DIRTY_RING) {
            ArrayNode vcpus = info.putArray("vcpu-dirty-rate");
            for (int vcpu = 0; vcpu < result.vcpus().size(); vcpu++) {
                vcpus.addObject()
                        .put("id", vcpu)
                        .put("dirty-rate", result.vcpus().get(vcpu));
            }
        }
        return info;
    }
}
