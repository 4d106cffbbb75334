package org.transhume.control.qmp;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.transhume.control.settings.BitmapMapping;
import org.transhume.control.settings.Capability;
import org.transhume.control.settings.IntegerType;
import org.transhume.control.settings.Parameter;
import org.transhume.control.settings.ParameterType;
import org.transhume.control.settings.Profile;
import org.transhume.control.settings.SettingRefusedException;
import org.transhume.control.settings.Settings;
import org.transhume.control.settings.SettingsValues;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** The commands about {@link Settings}, their arguments taken from the tables of capabilities and parameters. */
public final class SettingsCommands {
    /** How capabilities are changed. */
    @FunctionalInterface
    public interface CapabilityChange {
        void make(Map<Capability, Boolean> changes) throws SettingRefusedException;
    }

    /** How parameters are changed: {@link Settings#setParameters} itself, or a way that also tells those who use them. */
    @FunctionalInterface
    public interface ParameterChange {
        void make(Map<Parameter, ?> changes) throws SettingRefusedException;
    }

    private final Settings settings;
    private final CapabilityChange capabilityChange;
    private final ParameterChange parameterChange;

    private SettingsCommands(Settings settings, CapabilityChange capabilityChange, ParameterChange parameterChange) {
        this.settings = settings;
        this.capabilityChange = capabilityChange;
        this.parameterChange = parameterChange;
    }

    /**
     * Commands for {@code settings}.
     *
     * @param capabilityChange makes each change of capabilities
     * @param parameterChange makes each change of parameters
     */
    public static QmpCommand[] of(
            Settings settings, CapabilityChange capabilityChange, ParameterChange parameterChange) {
        SettingsCommands commands = new SettingsCommands(settings, capabilityChange, parameterChange);
        Profile profile = settings.profile();
        ArgumentType switches = new ArgumentType.ListOf(new ArgumentType.Struct(
                Argument.required("capability", capabilityType(profile)),
                Argument.required("state", new ArgumentType.Flag())));
        List<QmpCommand> all = new ArrayList<>(List.of(
                QmpCommand.of(
                                "migrate-set-capabilities",
                                List.of(Argument.required("capabilities", switches)),
                                commands::setCapabilities)
                        .describedAs("switches capabilities on and off, all that are named or none")
                        .onlyWhen("while no outgoing migration runs"),
                QmpCommand.of("query-migrate-capabilities", List.of(), _ -> commands.capabilities())
                        .returning(switches)
                        .describedAs("all capabilities, and whether they are on"),
                QmpCommand.of(
                                "migrate-set-parameters",
                                Parameter.of(profile).stream()
                                        .map(p -> Argument.optional(p.wireName(), argumentType(p.type(profile))))
                                        .toList(),
                                commands::setParameters)
                        .describedAs("gives parameters new values, all that are named or none"),
                QmpCommand.of("query-migrate-parameters", List.of(), _ -> commands.parameters())
                        .returning(new ArgumentType.Struct(Parameter.of(profile).stream()
                                .map(p -> Argument.optional(p.wireName(), resultType(p.type(profile))))
                                .toList()))
                        .describedAs("all parameters and their values; block-bitmap-mapping only once it was set")));
        if (profile == Profile.V3_1) {
            ArgumentType bytes = new ArgumentType.Whole(IntegerType.INT64);
            all.add(QmpCommand.of(
                            "migrate-set-cache-size",
                            List.of(Argument.required("value", bytes)),
                            commands::setCacheSize)
                    .describedAs("xbzrle-cache-size in bytes, rounded down to a power of two")
                    .with(Feature.DEPRECATED));
            all.add(QmpCommand.of("query-migrate-cache-size", List.of(), _ -> commands.cacheSize())
                    .returning(bytes)
                    .describedAs("xbzrle-cache-size in bytes")
                    .with(Feature.DEPRECATED));
            all.addAll(RemovedSetters.of(parameterChange));
        }
        all.add(MicroCheckpointCommand.of(settings));
        return all.toArray(QmpCommand[]::new);
    }

    private static ArgumentType capabilityType(Profile profile) {
        List<Capability> known = Capability.of(profile);
        return new ArgumentType.Choice(
                known.stream().map(Capability::wireName).toList(),
                Set.of(),
                known.stream()
                        .filter(capability -> capability.deprecatedIn(profile))
                        .map(Capability::wireName)
                        .collect(Collectors.toSet()));
    }

    private static ArgumentType argumentType(ParameterType type) {
        return switch (type) {
            case ParameterType.Whole whole -> new ArgumentType.Whole(whole.type());
            case ParameterType.Flag _ -> new ArgumentType.Flag();
            case ParameterType.Text _ -> new ArgumentType.TextOrNull();
            case ParameterType.Choice choice ->
                new ArgumentType.Choice(choice.known(), choice.lacking().keySet(), Set.of());
            case ParameterType.Mapping _ -> MAPPING;
        };
    }

    /** As the arguments; but a text is never null. */
    private static ArgumentType resultType(ParameterType type) {
        return type instanceof ParameterType.Text ? new ArgumentType.Text() : argumentType(type);
    }

    private static final ArgumentType MAPPING = new ArgumentType.ListOf(new ArgumentType.Struct(
            Argument.required("node-name", new ArgumentType.Text()),
            Argument.required("alias", new ArgumentType.Text()),
            Argument.required(
                    "bitmaps",
                    new ArgumentType.ListOf(new ArgumentType.Struct(
                            Argument.required("name", new ArgumentType.Text()),
                            Argument.required("alias", new ArgumentType.Text()),
                            Argument.optional(
                                    "transform",
                                    new ArgumentType.Struct(
                                            Argument.optional("persistent", new ArgumentType.Flag()))))))));

    private JsonNode setCapabilities(Arguments arguments) throws QmpError {
        Map<Capability, Boolean> changes = new EnumMap<>(Capability.class);
        for (Arguments change : arguments.structs("capabilities")) {
            Capability capability = change.text("capability")
                    .flatMap(name -> Capability.named(name, settings.profile()))
                    .orElseThrow();
            changes.put(capability, change.flag("state", false));
        }
        try {
            capabilityChange.make(changes);
        } catch (SettingRefusedException refused) {
            throw new QmpError(refused.getMessage());
        }
        return Json.object();
    }

    private JsonNode capabilities() {
        SettingsValues values = settings.values();
        ArrayNode list = JsonNodeFactory.instance.arrayNode();
        for (Capability capability : Capability.of(values.profile())) {
            list.addObject().put("state", values.enabled(capability)).put("capability", capability.wireName());
        }
        return list;
    }

    private JsonNode setParameters(Arguments arguments) throws QmpError {
        Map<Parameter, Object> changes = new EnumMap<>(Parameter.class);
        for (Parameter parameter : Parameter.of(settings.profile())) {
            String name = parameter.wireName();
            if (arguments.has(name)) {
                changes.put(parameter, value(parameter.type(settings.profile()), name, arguments));
            }
        }
        return make(changes);
    }

    private JsonNode make(Map<Parameter, ?> changes) throws QmpError {
        try {
            parameterChange.make(changes);
        } catch (SettingRefusedException refused) {
            throw new QmpError(refused.getMessage());
        }
        return Json.object();
    }

    /** Any size will do, as before there was a parameter: the power of two below it is taken. */
    private JsonNode setCacheSize(Arguments arguments) throws QmpError {
        long size = Long.highestOneBit(arguments.whole("value", 0));
        return make(Map.of(Parameter.XBZRLE_CACHE_SIZE, size));
    }

    private JsonNode cacheSize() {
        return JsonNodeFactory.instance.numberNode(settings.size(Parameter.XBZRLE_CACHE_SIZE));
    }

    private static Object value(ParameterType type, String name, Arguments arguments) {
        return switch (type) {
            case ParameterType.Whole _ -> arguments.whole(name, 0);
            case ParameterType.Flag _ -> arguments.flag(name, false);
            case ParameterType.Text _, ParameterType.Choice _ ->
                arguments.text(name).orElseThrow();
            case ParameterType.Mapping _ -> mapping(arguments.structs(name));
        };
    }

    private JsonNode parameters() {
        SettingsValues values = settings.values();
        ObjectNode answer = Json.object();
        for (Parameter parameter : Parameter.of(values.profile())) {
            if (values.present(parameter)) {
                put(answer, parameter.wireName(), values.value(parameter));
            }
        }
        return answer;
    }

    private static void put(ObjectNode answer, String name, Object value) {
        switch (value) {
            case Long number when number >= 0 -> answer.put(name, number);
            case Long number -> answer.put(name, new BigInteger(Long.toUnsignedString(number)));
            case Boolean flag -> answer.put(name, flag);
            case BitmapMapping mapping -> put(answer.putArray(name), mapping);
            default -> answer.put(name, value.toString());
        }
    }

    private static BitmapMapping mapping(List<Arguments> nodes) {
        return new BitmapMapping(nodes.stream()
                .map(node -> new BitmapMapping.Node(
                        node.text("node-name").orElseThrow(),
                        node.text("alias").orElseThrow(),
                        node.structs("bitmaps").stream()
                                .map(SettingsCommands::bitmap)
                                .toList()))
                .toList());
    }

    private static BitmapMapping.Bitmap bitmap(Arguments bitmap) {
        Optional<BitmapMapping.Transform> transform = bitmap.struct("transform")
                .map(t -> new BitmapMapping.Transform(t.node("persistent").map(JsonNode::booleanValue)));
        return new BitmapMapping.Bitmap(
                bitmap.text("name").orElseThrow(), bitmap.text("alias").orElseThrow(), transform);
    }

    private static void put(ArrayNode list, BitmapMapping mapping) {
        for (BitmapMapping.Node node : mapping.nodes()) {
            ObjectNode entry =
                    list.addObject().put("node-name", node.nodeName()).put("alias", node.alias());
            ArrayNode bitmaps = entry.putArray("bitmaps");
            for (BitmapMapping.Bitmap bitmap : node.bitmaps()) {
                ObjectNode one = bitmaps.addObject().put("name", bitmap.name()).put("alias", bitmap.alias());
                bitmap.transform().ifPresent(transform -> {
                    ObjectNode changes = one.putObject("transform");
                    transform.persistent().ifPresent(persistent -> changes.put("persistent", persistent));
                });
            }
        }
    }
}
