package org.transhume.control.process;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import org.transhume.control.devices.DeviceLayer;
import org.transhume.control.devices.SpiceTarget;
import org.transhume.control.qmp.Argument;
import org.transhume.control.qmp.ArgumentType;
import org.transhume.control.qmp.Arguments;
import org.transhume.control.qmp.QmpCommand;
import org.transhume.control.qmp.QmpError;
import org.transhume.control.settings.IntegerType;
import org.transhume.control.settings.Profile;
import tools.jackson.databind.JsonNode;

/** {@code client_migrate_info} and {@code display-reload} (spec: control.md §2.7). */
final class DisplayCommands {
    private final DeviceLayer layer;

    private DisplayCommands(DeviceLayer layer) {
        this.layer = layer;
    }

    static QmpCommand[] of(DeviceLayer layer, Profile profile) {
        DisplayCommands commands = new DisplayCommands(layer);
        ArgumentType text = new ArgumentType.Text();
        ArgumentType port = new ArgumentType.Whole(IntegerType.INT64);
        List<QmpCommand> all = new ArrayList<>();
        all.add(QmpCommand.of(
                        "client_migrate_info",
                        List.of(
                                Argument.required("protocol", text),
                                Argument.required("hostname", text),
                                Argument.optional("port", port),
                                Argument.optional("tls-port", port),
                                Argument.optional("cert-subject", text)),
                        commands::handOver)
                .describedAs("where remote displays connect to once the guest has moved")
                .onlyWhen("with SPICE in use"));
        if (profile == Profile.V10_0) {
            all.add(QmpCommand.of(
                            "display-reload",
                            List.of(
                                    Argument.required("type", new ArgumentType.Choice(List.of("vnc"))),
                                    Argument.optional("tls-certs", new ArgumentType.Flag())),
                            commands::reload)
                    .describedAs("has a display take its configuration anew, for VNC its certificates"));
        }
        return all.toArray(QmpCommand[]::new);
    }

    private JsonNode handOver(Arguments arguments) throws QmpError {
        if (!arguments.text("protocol").orElseThrow().equals("spice")) {
            throw new QmpError("Parameter 'protocol' expects 'spice'");
        }
        if (!layer.spice()) {
            throw new QmpError(QmpError.Kind.DEVICE_NOT_ACTIVE, "SPICE is not in use");
        }
        if (!arguments.has("port") && !arguments.has("tls-port")) {
            throw new QmpError("parameter 'port' or 'tls-port' is required");
        }
        layer.handSpiceOver(new SpiceTarget(
                arguments.text("hostname").orElseThrow(),
                port(arguments, "port"),
                port(arguments, "tls-port"),
                arguments.text("cert-subject")));
        return null;
    }

    private static OptionalLong port(Arguments arguments, String name) {
        return arguments.has(name) ? OptionalLong.of(arguments.whole(name, 0)) : OptionalLong.empty();
    }

    private JsonNode reload(Arguments arguments) throws QmpError {
        if (arguments.flag("tls-certs", false)) {
            layer.reloadVncCertificates();
        }
        return null;
    }
}
