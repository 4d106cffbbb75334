package org.transhume.control.process;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.transhume.control.qmp.Argument;
import org.transhume.control.qmp.ArgumentType;
import org.transhume.control.qmp.Arguments;
import org.transhume.control.qmp.QmpError;
import org.transhume.control.settings.IntegerType;

/** Where {@code migrate} and {@code migrate-incoming} are told to go to: {@code uri} or {@code channels} (spec: control.md §2.2). */
final class MigrationAddresses {
    private static final ArgumentType TEXT = new ArgumentType.Text();
    private static final ArgumentType FLAG = new ArgumentType.Flag();

    /** Members of an internet address that QEMU has, and we have no use for. */
    private static final List<Argument> INET_OPTIONS = List.of(
            Argument.optional("numeric", FLAG),
            Argument.optional("to", new ArgumentType.Whole(IntegerType.UINT16)),
            Argument.optional("ipv4", FLAG),
            Argument.optional("ipv6", FLAG),
            Argument.optional("keep-alive", FLAG),
            Argument.optional("mptcp", FLAG));

    private static final ArgumentType SOCKET = new ArgumentType.Union(
            List.of(),
            "type",
            Map.of(
                    "inet",
                    new ArgumentType.Struct(Stream.concat(
                                    Stream.of(Argument.required("host", TEXT), Argument.required("port", TEXT)),
                                    INET_OPTIONS.stream())
                            .toList()),
                    "unix",
                    new ArgumentType.Struct(Argument.required("path", TEXT)),
                    "vsock",
                    new ArgumentType.Struct(Argument.required("cid", TEXT), Argument.required("port", TEXT)),
                    "fd",
                    new ArgumentType.Struct(Argument.required("str", TEXT))),
            Set.of("vsock"));

    private static final ArgumentType ADDRESS = new ArgumentType.Union(
            List.of(),
            "transport",
            Map.of(
                    "socket",
                    SOCKET,
                    "exec",
                    new ArgumentType.Struct(Argument.required("args", new ArgumentType.ListOf(TEXT))),
                    "rdma",
                    new ArgumentType.Struct(Argument.required("host", TEXT), Argument.required("port", TEXT)),
                    "file",
                    new ArgumentType.Struct(
                            Argument.required("filename", TEXT),
                            Argument.required("offset", new ArgumentType.Whole(IntegerType.UINT64)))),
            Set.of("rdma"));

    /** The list of channels that may stand for a URI. */
    static final ArgumentType CHANNELS = new ArgumentType.ListOf(new ArgumentType.Struct(
            Argument.required("channel-type", new ArgumentType.Choice(List.of("main", "cpr"))),
            Argument.required("addr", ADDRESS)));

    private MigrationAddresses() {}

    /** The address of the main channel, whichever way it was given. */
    static String uri(Arguments arguments) throws QmpError {
        List<Arguments> channels = arguments.structs("channels");
        Optional<String> uri = arguments.text("uri");
        if (uri.isPresent() == !channels.isEmpty()) {
            throw new QmpError("need either 'uri' or 'channels' argument");
        }
        if (uri.isPresent()) {
            return uri.get();
        }
        List<Arguments> mains = channels.stream()
                .filter(c -> c.text("channel-type").orElse("").equals("main"))
                .toList();
        if (mains.size() > 1) {
            throw new QmpError("Channel list has more than one main entry");
        }
        if (mains.isEmpty()) {
            throw new QmpError("Channel list has no main entry");
        }
        if (channels.size() > 1) {
            throw new QmpError("channel-type 'cpr' is not built into this version of Transhume");
        }
        return address(mains.getFirst().struct("addr").orElseThrow());
    }

    private static String address(Arguments address) throws QmpError {
        return switch (text(address, "transport")) {
            case "exec" -> "exec:" + command(address.texts("args"));
            case "file" -> "file:%s,offset=%d".formatted(text(address, "filename"), address.whole("offset", 0));
            case "rdma" -> "rdma:%s:%s".formatted(text(address, "host"), text(address, "port"));
            default ->
                switch (text(address, "type")) {
                    case "unix" -> "unix:" + text(address, "path");
                    case "fd" -> "fd:" + text(address, "str");
                    case "vsock" -> "vsock:%s:%s".formatted(text(address, "cid"), text(address, "port"));
                    default -> inet(address);
                };
        };
    }

    private static String inet(Arguments address) throws QmpError {
        for (Argument option : INET_OPTIONS) {
            if (address.has(option.name())) {
                throw new QmpError("'" + option.name()
                        + "' of an inet address is not built into this version of Transhume: give host and port only");
            }
        }
        String host = text(address, "host");
        return "tcp:%s:%s".formatted(host.contains(":") ? "[" + host + "]" : host, text(address, "port"));
    }

    /** As a shell reads it: we start every command with one. */
    private static String command(List<String> words) throws QmpError {
        if (words.isEmpty()) {
            throw new QmpError("Parameter 'args' needs a program to run");
        }
        if (words.size() == 3 && words.subList(0, 2).equals(List.of("/bin/sh", "-c"))) {
            return words.get(2);
        }
        return words.stream()
                .map(word -> "'" + word.replace("'", "'\\''") + "'")
                .collect(Collectors.joining(" ", "exec ", ""));
    }

    private static String text(Arguments address, String name) {
        return address.text(name).orElseThrow();
    }
}
