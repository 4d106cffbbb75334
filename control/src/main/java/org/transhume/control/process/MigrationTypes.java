package org.transhume.control.process;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.transhume.control.guest.RunState;
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
    private static final ArgumentType COUNT = new ArgumentType.Whole(IntegerType.UINT32);
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
                Argument.required("running", FLAG).about("whether status is running"),
                only(
                        Profile.V3_1,
                        profile,
                        Argument.required("singlestep", FLAG).about("always false")),
                Argument.required("status", states));
    }

    /** The answer to {@code query-migrate}. */
    static ArgumentType info(Profile profile) {
        return struct(
                Argument.optional("status", state(profile)),
                Argument.optional("ram", ram(profile)).about("the guest's RAM, from setup on"),
                Argument.optional("xbzrle-cache", xbzrleCache(profile)).about("with capability xbzrle"),
                only(
                        Profile.V3_1,
                        profile,
                        Argument.optional("compression", compression()).about("with capability compress")),
                Argument.optional("total-time", WHOLE).about("ms since the command, or from it to the end"),
                Argument.optional("expected-downtime", WHOLE)
                        .about("ms; the downtime limit until the first measurement"),
                Argument.optional("downtime", WHOLE)
                        .about("ms from the guest's stop to the end, or to where it moved before its pages"),
                Argument.optional("setup-time", WHOLE).about("ms to the first page"),
                Argument.optional("cpu-throttle-percentage", WHOLE)
                        .about("% taken from the vCPUs, while auto-converge does"),
                Argument.optional("error-desc", TEXT).about("what went wrong first"),
                Argument.optional("postcopy-blocktime", COUNT)
                        .about("ms in which all vCPUs waited for pages at once, at the destination"),
                Argument.optional("postcopy-vcpu-blocktime", new ArgumentType.ListOf(COUNT))
                        .about("ms in which each vCPU did"),
                Argument.optional("socket-address", new ArgumentType.ListOf(socketAddress()))
                        .about("where the destination listens, while it does"),
                only(
                        Profile.V10_0,
                        profile,
                        Argument.optional("dirty-limit-throttle-time-per-round", UNSIGNED)
                                .about("us that a vCPU sleeps at most each time its ring is full")),
                only(
                        Profile.V10_0,
                        profile,
                        Argument.optional("dirty-limit-ring-full-time", UNSIGNED)
                                .about("us in which a vCPU fills its ring")),
                Argument.optional(ForecastMember.NAME, ForecastMember.type())
                        .about("with capability x-report: what is foretold, times in ms, bandwidths in bytes/s"));
    }

    private static ArgumentType ram(Profile profile) {
        return struct(
                Argument.required("transferred", WHOLE).about("bytes on all channels, headers and devices included"),
                Argument.required("remaining", WHOLE).about("bytes dirty at this moment"),
                Argument.required("total", WHOLE).about("bytes"),
                Argument.required("duplicate", WHOLE).about("pages of zeros"),
                only(Profile.V3_1, profile, Argument.required("skipped", WHOLE).about("always 0")),
                Argument.required("normal", WHOLE).about("pages sent in full"),
                Argument.required("normal-bytes", WHOLE).about("their bytes"),
                Argument.required("dirty-pages-rate", WHOLE)
                        .about("pages written a second, over the last second or more"),
                Argument.required("mbps", DECIMAL).about("10^6 bits a second"),
                Argument.required("dirty-sync-count", WHOLE).about("harvests of the dirty bitmap"),
                Argument.required("postcopy-requests", WHOLE).about("pages that the destination asked for"),
                Argument.required("page-size", WHOLE).about("bytes"),
                Argument.required("multifd-bytes", UNSIGNED).about("bytes on page channels"),
                only(
                        Profile.V10_0,
                        profile,
                        Argument.required("pages-per-second", UNSIGNED).about("pages sent")),
                only(
                        Profile.V10_0,
                        profile,
                        Argument.required("precopy-bytes", UNSIGNED)
                                .about("bytes of RAM on the main channel while the guest ran")),
                only(
                        Profile.V10_0,
                        profile,
                        Argument.required("downtime-bytes", UNSIGNED)
                                .about("bytes of RAM on the main channel while it stood")),
                only(
                        Profile.V10_0,
                        profile,
                        Argument.required("postcopy-bytes", UNSIGNED).about("bytes of RAM in postcopy")),
                only(
                        Profile.V10_0,
                        profile,
                        Argument.required("dirty-sync-missed-zero-copy", UNSIGNED)
                                .about("flushes in which the kernel copied")));
    }

    private static ArgumentType xbzrleCache(Profile profile) {
        return struct(
                Argument.required("cache-size", UNSIGNED).about("bytes"),
                Argument.required("bytes", WHOLE).about("sent as deltas"),
                Argument.required("pages", WHOLE),
                Argument.required("cache-miss", WHOLE).about("pages not in the cache"),
                Argument.required("cache-miss-rate", DECIMAL).about("0 to 1, of the last second or more"),
                only(
                        Profile.V10_0,
                        profile,
                        Argument.required("encoding-rate", DECIMAL).about("plain bytes over encoded ones")),
                Argument.required("overflow", WHOLE).about("deltas longer than a page"));
    }

    private static ArgumentType compression() {
        return struct(
                Argument.required("pages", WHOLE),
                Argument.required("busy", WHOLE).about("times no thread was free"),
                Argument.required("busy-rate", DECIMAL).about("of the pages of the last second or more"),
                Argument.required("compressed-size", WHOLE).about("bytes"),
                Argument.required("compression-rate", DECIMAL).about("plain bytes over compressed ones"));
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
                    "the source has harvested the dirty bitmap, as often as it says; with capability events"),
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
