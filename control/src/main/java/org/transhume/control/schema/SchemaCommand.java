package org.transhume.control.schema;

import java.util.List;
import java.util.Map;
import org.transhume.control.qmp.Argument;
import org.transhume.control.qmp.ArgumentType;
import org.transhume.control.qmp.QmpCommand;
import org.transhume.control.qmp.QmpDispatcher;

/** {@code query-qmp-schema}: all commands, events and types of a process, itself included. */
public final class SchemaCommand {
    private SchemaCommand() {}

    /** Tells of what {@code dispatcher} knows at the moment of the question. */
    public static QmpCommand of(QmpDispatcher dispatcher) {
        return QmpCommand.of("query-qmp-schema", List.of(), _ -> Schema.of(dispatcher.commands(), dispatcher.events()))
                .returning(new ArgumentType.ListOf(entryType()))
                .describedAs("all commands, events and types; what is not in it, this process does not know");
    }

    private static ArgumentType entryType() {
        ArgumentType text = new ArgumentType.Text();
        ArgumentType texts = new ArgumentType.ListOf(text);
        Argument features = Argument.optional("features", texts);
        ArgumentType jsonTypes = new ArgumentType.Choice(
                List.of("string", "number", "int", "boolean", "null", "object", "array", "value"));
        return new ArgumentType.Union(
                List.of(Argument.required("name", text), features),
                "meta-type",
                Map.of(
                        "builtin",
                        new ArgumentType.Struct(Argument.required("json-type", jsonTypes)),
                        "enum",
                        new ArgumentType.Struct(
                                Argument.required(
                                        "members",
                                        new ArgumentType.ListOf(
                                                new ArgumentType.Struct(Argument.required("name", text), features))),
                                Argument.required("values", texts)),
                        "array",
                        new ArgumentType.Struct(Argument.required("element-type", text)),
                        "object",
                        new ArgumentType.Struct(
                                Argument.required(
                                        "members",
                                        new ArgumentType.ListOf(new ArgumentType.Struct(
                                                Argument.required("name", text),
                                                Argument.required("type", text),
                                                Argument.optional("default", new ArgumentType.Anything()),
                                                features))),
                                Argument.optional("tag", text),
                                Argument.optional(
                                        "variants",
                                        new ArgumentType.ListOf(new ArgumentType.Struct(
                                                Argument.required("case", text), Argument.required("type", text))))),
                        "alternate",
                        new ArgumentType.Struct(Argument.required(
                                "members",
                                new ArgumentType.ListOf(new ArgumentType.Struct(Argument.required("type", text))))),
                        "command",
                        new ArgumentType.Struct(
                                Argument.required("arg-type", text),
                                Argument.required("ret-type", text),
                                Argument.optional("allow-oob", new ArgumentType.Flag())),
                        "event",
                        new ArgumentType.Struct(Argument.required("arg-type", text))));
    }
}
