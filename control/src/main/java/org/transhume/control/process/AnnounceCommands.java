package org.transhume.control.process;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.IntConsumer;
import org.transhume.control.devices.DeviceLayer;
import org.transhume.control.guest.GuestRuntime;
import org.transhume.control.qmp.Argument;
import org.transhume.control.qmp.ArgumentType;
import org.transhume.control.qmp.Arguments;
import org.transhume.control.qmp.QmpCommand;
import org.transhume.control.settings.IntegerType;
import org.transhume.control.settings.Profile;
import org.transhume.engine.AnnounceSchedule;
import org.transhume.engine.incoming.Announcements;
import tools.jackson.databind.JsonNode;

/** {@code announce-self} (spec: control.md §2.7). Closing it ends the announcements. */
final class AnnounceCommands implements AutoCloseable {
    private final GuestRuntime guest;
    private final DeviceLayer layer;
    private final Map<String, Announcements> underWay = new HashMap<>(); // by id; guarded by this

    AnnounceCommands(GuestRuntime guest, DeviceLayer layer) {
        this.guest = guest;
        this.layer = layer;
    }

    /** None in a profile from before it came. */
    QmpCommand[] commands(Profile profile) {
        if (profile == Profile.V3_1) {
            return new QmpCommand[0];
        }
        ArgumentType number = new ArgumentType.Whole(IntegerType.INT64);
        ArgumentType text = new ArgumentType.Text();
        return new QmpCommand[] {
            QmpCommand.of(
                            "announce-self",
                            List.of(
                                    Argument.required("initial", number),
                                    Argument.required("max", number),
                                    Argument.required("rounds", number),
                                    Argument.required("step", number),
                                    Argument.optional("interfaces", new ArgumentType.ListOf(text)),
                                    Argument.optional("id", text)),
                            this::announce)
                    .describedAs("tells the network where the guest is, now and some times more")
        };
    }

    /** A second one of the same id takes the place of the first. */
    private synchronized JsonNode announce(Arguments arguments) {
        AnnounceSchedule schedule = new AnnounceSchedule(
                count(arguments, "initial"),
                count(arguments, "max"),
                count(arguments, "rounds"),
                count(arguments, "step"));
        String id = arguments.text("id").orElse("");
        Announcements before = underWay.remove(id);
        if (before != null) {
            before.close();
        }
        underWay.put(id, Announcements.begin(onto(arguments.texts("interfaces")), schedule, "announce-self"));
        return null;
    }

    /** No interfaces named is all of them; of those named only the ones that there are. */
    private IntConsumer onto(List<String> named) {
        if (named.isEmpty()) {
            return guest::announce;
        }
        Set<String> known = layer.interfaces();
        List<String> chosen = named.stream().filter(known::contains).distinct().toList();
        return number -> chosen.forEach(name -> layer.announce(name, number));
    }

    /** QEMU takes any integer; less than none is none. */
    private static int count(Arguments arguments, String name) {
        return Math.clamp(arguments.whole(name, 0), 0, Integer.MAX_VALUE);
    }

    @Override
    public synchronized void close() {
        underWay.values().forEach(Announcements::close);
        underWay.clear();
    }
}
