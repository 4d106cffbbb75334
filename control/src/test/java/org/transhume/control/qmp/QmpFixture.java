package org.transhume.control.qmp;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Collectors;
import org.transhume.control.settings.Circumstances;
import org.transhume.control.settings.IntegerType;
import org.transhume.control.settings.Profile;
import org.transhume.control.settings.Settings;

/** A dispatcher with some commands, one monitor, and a path that goes away with it. */
final class QmpFixture implements AutoCloseable {
    final Path path;
    final Settings settings;
    final QmpDispatcher dispatcher;
    final QmpServer server;
    final CountDownLatch blocked = new CountDownLatch(1);
    final CountDownLatch release = new CountDownLatch(1);
    volatile Circumstances circumstances = Circumstances.IDLE;

    QmpFixture() throws IOException {
        this(Profile.V10_0, QmpServer.UNREAD_LINES);
    }

    QmpFixture(Profile profile, int unreadLines) throws IOException {
        path = Files.createTempDirectory("qmp").resolve("s");
        settings = new Settings(profile);
        dispatcher = new QmpDispatcher(profile, "0.1.0");
        dispatcher.register(SettingsCommands.of(
                settings, changes -> settings.setCapabilities(changes, circumstances), settings::setParameters));
        ArgumentType address = new ArgumentType.Union(
                List.of(),
                "transport",
                Map.of(
                        "socket",
                        new ArgumentType.Union(
                                List.of(),
                                "type",
                                Map.of(
                                        "unix",
                                        new ArgumentType.Struct(Argument.required("path", new ArgumentType.Text())))),
                        "exec",
                        new ArgumentType.Struct(
                                Argument.required("args", new ArgumentType.ListOf(new ArgumentType.Text())))));
        dispatcher.register(
                QmpCommand.of(
                        "migrate",
                        List.of(
                                Argument.optional("uri", new ArgumentType.Text()),
                                Argument.optional(
                                        "channels",
                                        new ArgumentType.ListOf(new ArgumentType.Struct(
                                                Argument.required(
                                                        "channel-type", new ArgumentType.Choice(List.of("main"))),
                                                Argument.required("addr", address)))),
                                Argument.optional("resume", new ArgumentType.Flag())),
                        _ -> null),
                QmpCommand.of("migrate-recover", List.of(Argument.required("uri", new ArgumentType.Text())), _ -> null),
                QmpCommand.of(
                        "wait", List.of(Argument.optional("time", new ArgumentType.Whole(IntegerType.INT64))), _ -> {
                            blocked.countDown();
                            try {
                                release.await();
                            } catch (InterruptedException stop) {
                                throw new QmpError("stopped");
                            }
                            return null;
                        }),
                QmpCommand.of("break", List.of(), _ -> {
                    throw new IllegalStateException("on purpose");
                }),
                QmpCommand.outOfBand("ping", List.of(), _ -> null));
        server = QmpServer.open(QmpAddress.parse("unix:" + path), dispatcher, unreadLines);
    }

    /** Names of the threads that monitors have. */
    static Set<String> threads() {
        return Thread.getAllStackTraces().keySet().stream()
                .map(Thread::getName)
                .filter(name -> name.startsWith("qmp-"))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    static String withId(String error, String id) {
        return "{\"id\": " + id + ", " + error.substring(1);
    }

    static byte[] utf8(String text) {
        return text.getBytes(UTF_8);
    }

    @Override
    public void close() throws IOException {
        release.countDown();
        server.close();
        Files.deleteIfExists(path.getParent());
    }
}
