package org.transhume.control.process;

import java.math.BigInteger;
import java.util.List;
import java.util.Optional;
import org.transhume.control.guest.MigrationControl;
import org.transhume.control.qmp.Argument;
import org.transhume.control.qmp.ArgumentType;
import org.transhume.control.qmp.Arguments;
import org.transhume.control.qmp.QmpCommand;
import org.transhume.control.qmp.QmpError;
import org.transhume.control.settings.IntegerType;
import org.transhume.control.settings.Profile;
import org.transhume.control.throttle.DirtyLimits;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;

/** {@code set-vcpu-dirty-limit} and its relatives (spec: control.md §2.5). */
final class DirtyLimitCommands {
    private static final long ALL = -1;

    private final MigrationControl control;

    private DirtyLimitCommands(MigrationControl control) {
        this.control = control;
    }

    /** None in a profile from before they came. */
    static QmpCommand[] of(MigrationControl control) {
        if (control.settings().profile() == Profile.V3_1) {
            return new QmpCommand[0];
        }
        DirtyLimitCommands commands = new DirtyLimitCommands(control);
        Argument vcpu = Argument.optional("cpu-index", new ArgumentType.Whole(IntegerType.INT64))
                .about("all vCPUs without it");
        Argument rate = Argument.required("dirty-rate", new ArgumentType.Whole(IntegerType.UINT64))
                .about("MiB/s");
        return new QmpCommand[] {
            QmpCommand.of("set-vcpu-dirty-limit", List.of(vcpu, rate), commands::set)
                    .describedAs("slows one vCPU, or all, down to so many MiB/s written")
                    .onlyWhen("where vCPUs are counted one by one, and no migration sets the limits"),
            QmpCommand.of("cancel-vcpu-dirty-limit", List.of(vcpu), commands::cancel)
                    .describedAs("lifts the limit of one vCPU, or of all")
                    .onlyWhen("while no migration sets the limits"),
            QmpCommand.of("query-vcpu-dirty-limit", List.of(), _ -> commands.query())
                    .returning(new ArgumentType.ListOf(new ArgumentType.Struct(
                            Argument.required("cpu-index", new ArgumentType.Whole(IntegerType.INT64)),
                            Argument.required("limit-rate", new ArgumentType.Whole(IntegerType.UINT64))
                                    .about("MiB/s"),
                            Argument.required("current-rate", new ArgumentType.Whole(IntegerType.UINT64))
                                    .about("MiB/s"))))
                    .describedAs("vCPUs with a limit, and what they write, in MiB/s")
        };
    }

    private JsonNode set(Arguments arguments) throws QmpError {
        // The stray quote is QEMU's.
        DirtyLimits limits = control.dirtyLimits()
                .orElseThrow(() -> new QmpError(
                        "dirty page limit feature requires KVM with accelerator property 'dirty-ring-size' set'"));
        change(limits, arguments, arguments.whole("dirty-rate", 0), "set");
        return null;
    }

    private JsonNode cancel(Arguments arguments) throws QmpError {
        Optional<DirtyLimits> limits = control.dirtyLimits();
        if (limits.isPresent()) { // else there is nothing to cancel, of whichever vCPU
            change(limits.get(), arguments, 0, "cancel");
        }
        return null;
    }

    private void change(DirtyLimits limits, Arguments arguments, long rate, String verb) throws QmpError {
        long vcpu = arguments.whole("cpu-index", ALL);
        if (arguments.has("cpu-index") && (vcpu < 0 || vcpu >= limits.vcpus())) {
            throw new QmpError("incorrect cpu index specified");
        }
        if (control.limitsInMigration()) {
            throw new QmpError("can't " + verb + " dirty page rate limit while migration is running");
        }
        if (vcpu == ALL) {
            limits.limitAll(rate);
        } else {
            limits.limit((int) vcpu, rate);
        }
    }

    private JsonNode query() {
        ArrayNode list = JsonNodeFactory.instance.arrayNode();
        for (DirtyLimits.Limit limit :
                control.dirtyLimits().map(DirtyLimits::limits).orElse(List.of())) {
            list.addObject()
                    .put("cpu-index", limit.vcpu())
                    .put("limit-rate", new BigInteger(Long.toUnsignedString(limit.limit())))
                    .put("current-rate", limit.current());
        }
        return list;
    }
}
