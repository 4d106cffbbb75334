package org.transhume.control.process;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.transhume.control.conversation.Conversation;
import org.transhume.control.qmp.QmpAddress;
import org.transhume.control.qmp.QmpPeer;
import org.transhume.control.qmp.QmpServer;
import org.transhume.control.settings.Profile;

/** A hundred thousand spoilt requests over real sockets: none crashes a monitor, stops it or leaves something behind. */
@Timeout(60)
class MutatedRequestsTest {
    /** Another with {@code -Dtranshume.seed=N}. */
    private static final long SEED = 20261121;

    private static final int REQUESTS = 100_000;
    private static final int BATCH = 500;
    private static final long RAM = 1 << 20;
    /** Ends whatever is incomplete, and is answered once. */
    private static final String RESET = "\u001e\n";

    private static final String RESET_ANSWER = "JSON parse error, stray '\\u001E'";
    /** Nothing that runs a command, writes a file or calls another host, even if it is spoilt. */
    private static final Pattern UNSAFE =
            Pattern.compile("exec:|\"exec\"|file|tcp|inet|fd|rdma|vsock|/sh|filename|snapshot|quit");

    @TempDir
    Path folder;

    @Test
    void noneCrashesNorHangsNorLeaks() throws Exception {
        long seed = Long.getLong("transhume.seed", SEED);
        List<String> requests = Conversation.all().stream()
                .flatMap(conversation -> conversation.requests().stream())
                .filter(request -> !UNSAFE.matcher(request).find())
                .toList();
        try (DrivenGuest warm = DrivenGuest.leaving(folder.resolve("warm"), Profile.V10_0, null, RAM)) {
            warm.qmp.close();
            torment(folder.resolve("warm"), new Mutation(requests, new SplittableRandom(seed)), BATCH, seed);
        }
        int threads = threads();
        long descriptors = descriptors();
        long heap = heap();

        try (DrivenGuest guest = DrivenGuest.leaving(folder.resolve("one"), Profile.V10_0, null, RAM);
                QmpServer _ = serve(guest, "two");
                QmpServer _ = serve(guest, "three")) {
            SplittableRandom random = new SplittableRandom(seed);
            List<CompletableFuture<Void>> tormented = new ArrayList<>();
            for (String monitor : List.of("two", "three")) {
                Mutation mutation = new Mutation(requests, random.split());
                tormented.add(CompletableFuture.runAsync(
                        () -> torment(folder.resolve(monitor), mutation, REQUESTS / 2, seed)));
            }
            for (CompletableFuture<Void> one : tormented) {
                one.get();
            }

            // The monitor beside them, and each of them with its next client.
            assertTrue(guest.qmp.execute("query-status").has("running"), "seed " + seed);
            for (String monitor : List.of("two", "three")) {
                try (QmpPeer peer = negotiated(folder.resolve(monitor))) {
                    assertEquals(List.of(), answers(peer, "", "again"), "seed " + seed);
                }
            }
        }
        assertTrue(threads() <= threads, "seed " + seed + ": threads " + threads + " became " + threads());
        assertTrue(
                descriptors() <= descriptors,
                "seed " + seed + ": descriptors " + descriptors + " became " + descriptors());
        assertTrue(heap() - heap < 16 << 20, "seed " + seed + ": heap of " + heap + " bytes became " + heap());
    }

    private QmpServer serve(DrivenGuest guest, String monitor) throws IOException {
        return QmpServer.open(QmpAddress.parse("unix:" + folder.resolve(monitor)), guest.process.dispatcher());
    }

    private static void torment(Path monitor, Mutation mutation, int count, long seed) {
        try (QmpPeer peer = negotiated(monitor)) {
            for (int done = 0; done < count; done += BATCH) {
                ByteArrayOutputStream batch = new ByteArrayOutputStream();
                for (int i = 0; i < BATCH; i++) {
                    batch.writeBytes(mutation.next());
                    batch.writeBytes(("\n" + RESET).getBytes(UTF_8));
                }
                peer.send(batch.toByteArray());
                List<String> answers = answers(peer, "", "end of batch");
                long resets = answers.stream()
                        .filter(answer -> answer.contains(RESET_ANSWER))
                        .count();
                assertTrue(resets >= BATCH, () -> "seed " + seed + ": only " + resets + " of " + BATCH + " were read");
                answers.stream()
                        .filter(answer -> answer.contains("Internal error"))
                        .findFirst()
                        .ifPresent(internal -> {
                            throw new AssertionError("seed " + seed + ": " + internal);
                        });
            }
        } catch (IOException e) {
            throw new AssertionError("seed " + seed, e);
        }
    }

    private static QmpPeer negotiated(Path monitor) throws IOException {
        QmpPeer peer = new QmpPeer(monitor);
        assertTrue(peer.line().contains("QMP"));
        answers(peer, "{'execute':'qmp_capabilities','arguments':{'enable':['oob']}}", "negotiated");
        return peer;
    }

    /** What is answered up to a last request of its own. */
    private static List<String> answers(QmpPeer peer, String text, String last) throws IOException {
        peer.send((text + "{'execute':'query-version','id':'" + last + "'}").getBytes(UTF_8));
        List<String> answers = new ArrayList<>();
        for (String line = said(peer); !line.endsWith("\"id\": \"" + last + "\"}"); line = said(peer)) {
            answers.add(line);
        }
        return answers;
    }

    private static String said(QmpPeer peer) throws IOException {
        String line = peer.line();
        if (line == null) {
            throw new IOException("the monitor closed the connection");
        }
        return line;
    }

    private static int threads() {
        return (int) Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> !thread.getName().startsWith("ForkJoin")
                        && !thread.getName().startsWith("junit"))
                .count();
    }

    private static long descriptors() throws IOException {
        try (Stream<Path> all = Files.list(Path.of("/proc/self/fd"))) {
            return all.count();
        }
    }

    private static long heap() {
        System.gc();
        return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
    }
}
