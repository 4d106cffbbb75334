package org.transhume.control.guest;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.transhume.control.qmp.Argument;
import org.transhume.control.qmp.ArgumentType;
import org.transhume.control.qmp.QmpEvent;
import org.transhume.control.settings.IntegerType;
import org.transhume.control.settings.Profile;

/**
 * What {@code query-migrate}, {@code query-status} and the events of a migration are made of (spec: control.md §1.10, §4). Tests,
 * which run with assertions, hold every answer and every event against it.
 */
final class MigrationTypes {
    private static final ArgumentType WHOLE = new ArgumentType.Whole(IntegerType.INT64);
    private static final ArgumentType UNSIGNED = new ArgumentType.Whole(IntegerType.UINT64);
    private static final ArgumentType DECIMAL = new ArgumentType.Decimal();
    private static final ArgumentType TEXT = new ArgumentType.Text();
    private static final ArgumentType FLAG = new ArgumentType.Flag();

    private MigrationTypes() {}

    /** All states of QEMU's that {@code profile} has a word for. */
    static ArgumentType state(Profile profile) {
        List<String> states = new ArrayList<>(List.of("none", "setup", "cancelling", "cancelled", "active"));
        states.addAll(List.of("postcopy-active", "postcopy-paused"));
        if (profile == Profile.V10_0) {
            states.add("postcopy-recover-setup");
        }
        states.addAll(List.of("postcopy-recover", "completed", "failed", "colo", "pre-switchover", "device"));
        if (profile == Profile.V10_0) {
            states.add("wait-unplug");
        }
        return new ArgumentType.Choice(states);
    }

    /** The answer to {@code query-status}. */
    static ArgumentType status(Profile profile) {
        ArgumentType states = new ArgumentType.Choice(
                Arrays.stream(RunState.values()).map(RunState::wireName).toList());
        return struct(
                Argument.required("running", FLAG),
                only(Profile.V3_1, profile, Argument.required("singlestep", FLAG)),
                Argument.required("status", states));
    }

    /** The answer to {@code query-migrate}. */
    static ArgumentType info(Profile profile) {
        return struct(
                Argument.optional("status", state(profile)),
                Argument.optional("ram", ram(profile)),
                Argument.optional("xbzrle-cache", xbzrleCache(profile)),
                only(Profile.V3_1, profile, Argument.optional("compression", compression())),
                Argument.optional("total-time", WHOLE),
                Argument.optional("expected-downtime", WHOLE),
                Argument.optional("downtime", WHOLE),
                Argument.optional("setup-time", WHOLE),
                Argument.optional("cpu-throttle-percentage", WHOLE),
                Argument.optional("error-desc", TEXT),
                Argument.optional("socket-address", new ArgumentType.ListOf(socketAddress())),
                only(Profile.V10_0, profile, Argument.optional("dirty-limit-throttle-time-per-round", UNSIGNED)),
                only(Profile.V10_0, profile, Argument.optional("dirty-limit-ring-full-time", UNSIGNED)),
                Argument.optional(ForecastMember.NAME, ForecastMember.type()));
    }

    private static ArgumentType ram(Profile profile) {
        return struct(
                Argument.required("transferred", WHOLE),
                Argument.required("remaining", WHOLE),
                Argument.required("total", WHOLE),
                Argument.required("duplicate", WHOLE),
                only(Profile.V3_1, profile, Argument.required("skipped", WHOLE)),
                Argument.required("normal", WHOLE),
                Argument.required("normal-bytes", WHOLE),
                Argument.required("dirty-pages-rate", WHOLE),
                Argument.required("mbps", DECIMAL),
                Argument.required("dirty-sync-count", WHOLE),
                Argument.required("postcopy-requests", WHOLE),
                Argument.required("page-size", WHOLE),
                Argument.required("multifd-bytes", UNSIGNED),
                only(Profile.V10_0, profile, Argument.required("pages-per-second", UNSIGNED)),
                only(Profile.V10_0, profile, Argument.required("precopy-bytes", UNSIGNED)),
                only(Profile.V10_0, profile, Argument.required("downtime-bytes", UNSIGNED)),
                only(Profile.V10_0, profile, Argument.required("postcopy-bytes", UNSIGNED)),
                only(Profile.V10_0, profile, Argument.required("dirty-sync-missed-zero-copy", UNSIGNED)));
    }

    private static ArgumentType xbzrleCache(Profile profile) {
        return struct(
                Argument.required("cache-size", UNSIGNED),
                Argument.required("bytes", WHOLE),
                Argument.required("pages", WHOLE),
                Argument.required("cache-miss", WHOLE),
                Argument.required("cache-miss-rate", DECIMAL),
                only(Profile.V10_0, profile, Argument.required("encoding-rate", DECIMAL)),
                Argument.required("overflow", WHOLE));
    }

    private static ArgumentType compression() {
        return struct(
                Argument.required("pages", WHOLE),
                Argument.required("busy", WHOLE),
                Argument.required("busy-rate", DECIMAL),
                Argument.required("compressed-size", WHOLE),
                Argument.required("compression-rate", DECIMAL));
    }

    private static ArgumentType socketAddress() {
        return new ArgumentType.Union(
                List.of(),
                "type",
                Map.of(
                        "inet",
                        new ArgumentType.Struct(
                                Argument.required("host", TEXT),
                                Argument.required("port", TEXT),
                                Argument.optional("ipv4", FLAG),
                                Argument.optional("ipv6", FLAG)),
                        "unix",
                        new ArgumentType.Struct(Argument.required("path", TEXT)),
                        "fd",
                        new ArgumentType.Struct(Argument.required("str", TEXT))));
    }

    /** What a guest's process tells of by itself. */
    static QmpEvent[] events(Profile profile) {
        return new QmpEvent[] {
            new QmpEvent(
                    "MIGRATION",
                    List.of(Argument.required("status", state(profile))),
                    "this side's migration is in another state; with capability events"),
            new QmpEvent(
                    "MIGRATION_PASS",
                    List.of(Argument.required("pass", WHOLE)),
                    "the source has harvested the dirty bitmap for the so-manieth time; with capability events"),
            new QmpEvent("STOP", "the guest was stopped, by a command or a migration"),
            new QmpEvent("RESUME", "the guest runs again, by a command or a migration"),
            new QmpEvent(
                    "SHUTDOWN",
                    List.of(
                            Argument.required("guest", FLAG),
                            Argument.required("reason", new ArgumentType.Choice(List.of("host-qmp-quit")))),
                    "the process ends as it was told to quit")
        };
    }

    private static Argument only(Profile with, Profile profile, Argument member) {
        return with == profile ? member : null;
    }

    /** The members of a profile: those that are not null. */
    private static ArgumentType struct(Argument... members) {
        return new ArgumentType.Struct(
                Stream.of(members).filter(member -> member != null).toList());
    }
}
