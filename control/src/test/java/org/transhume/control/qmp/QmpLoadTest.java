package org.transhume.control.qmp;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Clients that ask more, read less or say longer things than they should. */
@Timeout(30)
class QmpLoadTest {
    private static final int MEBIBYTE = 1 << 20;

    private QmpFixture monitor;

    @BeforeEach
    void open() throws IOException {
        monitor = new QmpFixture();
    }

    @AfterEach
    void close() throws IOException {
        monitor.close();
    }

    @Test
    void holdsEightRequestsAndReadsNoMoreUntilOneIsDone() throws Exception {
        String filling = "x".repeat(MEBIBYTE);
        int requests = 40;
        AtomicInteger taken = new AtomicInteger();
        try (QmpPeer peer = QmpPeer.withOob(monitor.path)) {
            peer.send("{'execute':'wait','id':'first'}");
            assertTrue(monitor.blocked.await(10, SECONDS));
            CompletableFuture<Void> flood = CompletableFuture.runAsync(() -> {
                for (int i = 0; i < requests; i++) {
                    send(peer, "{'execute':'query-version','id':{'number':" + i + ",'text':'" + filling + "'}}");
                    taken.incrementAndGet();
                }
            });
            // Eight are queued, one waits for its place, and a part of the next is on its way.
            awaitCount(taken, 9);
            assertThrowsTimeout(flood);
            assertTrue(taken.get() <= 10, () -> taken + " requests of a mebibyte were taken");

            monitor.release.countDown();
            assertTrue(peer.line().endsWith("\"id\": \"first\"}"));
            for (int i = 0; i < requests; i++) {
                String line = peer.line();
                assertTrue(line.contains("\"number\": " + i + ","), "answer " + i);
            }
            flood.get(10, SECONDS);
        }
    }

    @Test
    void aFloodOnOneMonitorDoesNotKeepAnotherFromAnswering() throws Exception {
        Path second = monitor.path.resolveSibling("t");
        try (QmpServer _ = QmpServer.open(QmpAddress.parse("unix:" + second), monitor.dispatcher);
                QmpPeer noisy = QmpPeer.negotiated(monitor.path);
                QmpPeer quiet = QmpPeer.negotiated(second)) {
            // The noisy one reads no answers, so that its monitor stops at some time.
            Thread flood = Thread.ofPlatform().daemon().start(() -> {
                try {
                    for (int i = 0; i < 1_000_000; i++) {
                        noisy.send("{'execute':'query-commands','id':" + i + "}");
                    }
                } catch (IOException closing) {
                    // the test is over
                }
            });
            for (int i = 0; i < 200; i++) {
                quiet.send("{'execute':'query-version','id':" + i + "}");
                assertTrue(quiet.line().endsWith("\"id\": " + i + "}"));
            }
            noisy.doneWriting();
            assertTrue(flood.join(Duration.ofSeconds(10)));
        }
    }

    @Test
    void whatAClientLeavesUnreadIsBoundedInBytesToo() throws Exception {
        String filling = "x".repeat(MEBIBYTE);
        AtomicInteger taken = new AtomicInteger();
        int requests = 60;
        try (QmpPeer peer = QmpPeer.negotiated(monitor.path)) {
            CompletableFuture<Void> asking = CompletableFuture.runAsync(() -> {
                for (int i = 0; i < requests; i++) {
                    send(peer, "{'execute':'query-version','id':{'number':" + i + ",'text':'" + filling + "'}}");
                    taken.incrementAndGet();
                }
            });
            awaitCount(taken, 16);
            assertThrowsTimeout(asking);
            assertTrue(taken.get() < 20, () -> taken + " mebibytes of answers are held");

            for (int i = 0; i < requests; i++) {
                assertTrue(peer.line().contains("\"number\": " + i + ","));
            }
            asking.get(10, SECONDS);
        }
    }

    @Test
    void aClientThatReadsNothingIsDroppedAndTheOthersHearEveryEvent() throws Exception {
        Path second = monitor.path.resolveSibling("t");
        int events = 40;
        try (QmpServer _ = QmpServer.open(QmpAddress.parse("unix:" + second), monitor.dispatcher);
                QmpPeer lazy = QmpPeer.negotiated(monitor.path);
                QmpPeer eager = QmpPeer.negotiated(second)) {
            String filling = "x".repeat(MEBIBYTE);
            List<String> heard = new ArrayList<>();
            for (int i = 0; i < events; i++) {
                long start = System.nanoTime();
                monitor.dispatcher.emit(
                        "MIGRATION", Json.object().put("number", i).put("text", filling));
                assertTrue(System.nanoTime() - start < SECONDS.toNanos(2), "an event waited for a client");
                heard.add(eager.line());
            }
            int read = 0;
            while (lineOrEnd(lazy) != null) {
                read++;
            }

            for (int i = 0; i < events; i++) {
                assertTrue(heard.get(i).contains("\"number\": " + i + ","));
            }
            assertTrue(read < 20, read + " mebibytes were kept for a client that did not read");
            // Whoever comes next is served.
            try (QmpPeer next = QmpPeer.negotiated(monitor.path)) {
                next.send("{'execute':'migrate'}");
                assertEquals("{\"return\": {}}", next.line());
            }
        }
    }

    @Test
    void dropsWhatIsQueuedWithTheClientThatAskedForIt() throws Exception {
        AtomicInteger runs = new AtomicInteger();
        monitor.dispatcher.register(QmpCommand.of("count", List.of(), _ -> {
            runs.incrementAndGet();
            return null;
        }));
        try (QmpPeer peer = QmpPeer.withOob(monitor.path)) {
            peer.send("{'execute':'wait'}{'execute':'count'}{'execute':'count'}");
            assertTrue(monitor.blocked.await(10, SECONDS));
            // In order with what came before: they are queued once this is answered.
            peer.send("{'exec-oob':'ping'}");
            assertNotNull(peer.line());
        }
        // The next is greeted only once the queue of the first has gone.
        CompletableFuture<String> greeting = CompletableFuture.supplyAsync(() -> {
            try (QmpPeer next = new QmpPeer(monitor.path)) {
                return next.line();
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        });
        assertTrue(greeting.get(10, SECONDS).contains("QMP"));
        monitor.release.countDown();
        try (QmpPeer next = QmpPeer.negotiated(monitor.path)) {
            next.send("{'execute':'migrate'}");
            assertEquals("{\"return\": {}}", next.line());
        }

        assertEquals(0, runs.get());
    }

    @Test
    void endsATokenThatIsLongerThanAnyMayBe() throws Exception {
        byte[] chunk = "x".repeat(MEBIBYTE).getBytes(java.nio.charset.StandardCharsets.US_ASCII);
        try (QmpPeer peer = QmpPeer.negotiated(monitor.path)) {
            peer.send("{'execute':'");
            for (int i = 0; i < 65; i++) {
                peer.send(chunk);
            }
            List<String> answers = peer.answersTo("");

            assertEquals(List.of(QmpPeer.generic("JSON token size limit exceeded")), answers);
        }
    }

    @Test
    void takesTheSameRequestCutAtEachOfItsBytes() throws Exception {
        byte[] request = QmpFixture.utf8(
                "{'execute': 'migrate', 'arguments': {'uri': \"\\u00e9\u20ac:\\\"\"}, 'id': [-1.5e3, null]}");
        try (QmpPeer peer = QmpPeer.negotiated(monitor.path)) {
            for (int cut = 1; cut < request.length; cut++) {
                peer.send(java.util.Arrays.copyOf(request, cut));
                peer.send(java.util.Arrays.copyOfRange(request, cut, request.length));
                String answer = peer.line();
                assertFalse(answer.contains("error"), answer);
            }
        }
    }

    private static void send(QmpPeer peer, String request) {
        try {
            peer.send(request);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void awaitCount(AtomicInteger count, int wanted) {
        long deadline = System.nanoTime() + SECONDS.toNanos(10);
        while (count.get() < wanted) {
            assertTrue(System.nanoTime() < deadline, () -> count + " requests, not " + wanted);
            Thread.onSpinWait();
        }
    }

    private static void assertThrowsTimeout(CompletableFuture<Void> future) throws Exception {
        try {
            future.get(300, TimeUnit.MILLISECONDS);
        } catch (TimeoutException waits) {
            return;
        }
        throw new AssertionError("nothing held the client back");
    }

    private static String lineOrEnd(QmpPeer peer) {
        try {
            return peer.line();
        } catch (IOException dropped) {
            return null;
        }
    }
}
