package org.transhume.channels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What holds for sockets besides: they listen, they answer, and a peer can go away. */
interface SocketContract extends ConnectionContract {
    Duration PATIENCE = Duration.ofSeconds(10);

    /** Where a listener may be opened; another place at each call, or a free port. */
    Address address() throws IOException;

    @Override
    default Wire wire() throws IOException {
        try (Listener listener = Connections.listen(address())) {
            Connection near = Connections.connect(listener.address(), PATIENCE);
            return new Wire(near, listener.accept(PATIENCE));
        }
    }

    @Test
    default void thePeerCanAnswerAfterItWasToldTheEnd() throws Exception {
        try (Wire wire = wire();
                Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocateFrom("answer");

            wire.writer().finishWriting();
            int end = wire.reader().read(buffer, 0, 1);
            wire.reader().write(buffer, 0, 7);
            int answer = wire.writer().read(arena.allocate(100), 0, 100);

            assertEquals(-1, end);
            assertEquals(7, answer);
            assertTrue(wire.writer().bidirectional() && wire.reader().bidirectional());
        }
    }

    @Test
    default void aPeerThatWentAwayIsTheEndToTheReaderAndAnErrorToTheWriter() throws Exception {
        try (Wire wire = wire();
                Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(1 << 20);

            wire.reader().close();
            int end = wire.writer().read(buffer, 0, 1);
            IOException failure = assertThrows(IOException.class, () -> {
                while (true) {
                    wire.writer().write(buffer, 0, 1 << 20);
                }
            });

            assertEquals(-1, end);
            assertTrue(
                    failure.getMessage().matches("Unable to write to .*: (Broken pipe|Connection reset by peer)"),
                    failure.getMessage());
        }
    }

    @Test
    default void severalPeersConnectToOneListener() throws Exception {
        try (Listener listener = Connections.listen(address());
                Connection first = Connections.connect(listener.address(), PATIENCE);
                Connection second = Connections.connect(listener.address(), PATIENCE);
                Connection firstHere = listener.accept(PATIENCE);
                Connection secondHere = listener.accept(PATIENCE);
                Arena arena = Arena.ofConfined()) {
            second.write(arena.allocateFrom("2"), 0, 1);
            first.write(arena.allocateFrom("1"), 0, 1);

            MemorySegment got = arena.allocate(2);
            firstHere.read(got, 0, 1);
            secondHere.read(got, 1, 1);

            assertEquals('1', ConnectionContract.byteAt(got, 0));
            assertEquals('2', ConnectionContract.byteAt(got, 1));
        }
    }

    @Test
    @SuppressWarnings("try") // closes early on purpose
    default void closeWakesABlockedAccept() throws Exception {
        try (Listener listener = Connections.listen(address())) {
            OtherThread acceptor = new OtherThread(() -> listener.accept(Duration.ZERO));
            acceptor.awaitBlocked();

            listener.close();

            assertInstanceOf(ConnectionClosedException.class, acceptor.failureWithin(1000));
        }
    }

    @Test
    default void acceptGivesUpAfterItsLimit() throws Exception {
        try (Listener listener = Connections.listen(address())) {
            Throwable late = assertThrows(SocketTimeoutException.class, () -> listener.accept(Duration.ofMillis(30)));

            assertEquals(
                    "nobody connected to " + listener.address().uri()
                            + " within 30 ms; check that the other side uses this address",
                    late.getMessage());
        }
    }

    @Test
    default void connectGivesUpAfterItsLimit() throws Exception {
        List<Connection> waiting = new ArrayList<>();
        try (Listener full = Connections.listen(address())) {
            Throwable late = assertThrows(SocketTimeoutException.class, () -> {
                for (int i = 0; i < 1000; i++) { // nobody accepts: the backlog fills up
                    waiting.add(Connections.connect(full.address(), Duration.ofMillis(200)));
                }
            });

            assertTrue(late.getMessage().startsWith("Failed to connect to '"), late.getMessage());
            assertTrue(late.getMessage().contains("': Connection timed out after 200 ms"), late.getMessage());
        } finally {
            waiting.forEach(Connection::close);
        }
    }

    @Test
    default void anInterruptEndsAConnectThatIsNotAnswered() throws Exception {
        List<Connection> waiting = new ArrayList<>();
        try (Listener full = Connections.listen(address())) {
            assertThrows(SocketTimeoutException.class, () -> {
                for (int i = 0; i < 1000; i++) {
                    waiting.add(Connections.connect(full.address(), Duration.ofMillis(200)));
                }
            });
            Thread.currentThread().interrupt();

            IOException failure =
                    assertThrows(IOException.class, () -> Connections.connect(full.address(), Duration.ZERO));

            assertTrue(Thread.interrupted());
            assertTrue(failure.getMessage().endsWith(": interrupted"), failure.getMessage());
        } finally {
            waiting.forEach(Connection::close);
        }
    }

    @Test
    default void theSamePlaceCanBeListenedAtAgain() throws Exception {
        Listener first = Connections.listen(address());
        Address place = first.address();
        Connection near = Connections.connect(place, PATIENCE);
        Connection far = first.accept(PATIENCE);
        first.close();
        far.close(); // the side that closes first keeps the TCP port in TIME_WAIT
        near.close();

        try (Listener second = Connections.listen(place)) {
            assertEquals(place, second.address());
        }
    }

    @Test
    default void closingAtAnyMomentWakesBothSidesAndHarmsNobodyElse() throws Exception {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        try (Wire bystander = wire();
                Arena arena = Arena.ofShared()) {
            MemorySegment out = arena.allocate(1 << 20);
            MemorySegment in = arena.allocate(1 << 20);
            for (int i = 0; i < 100; i++) {
                Wire wire = wire();
                OtherThread writer = new OtherThread(() -> {
                    while (true) {
                        wire.writer().write(out, 0, out.byteSize());
                    }
                });
                OtherThread reader = new OtherThread(() -> {
                    while (wire.reader().read(in, 0, 1 << 20) > 0) {
                        // on
                    }
                    return null;
                });
                for (int spin = random.nextInt(20_000); spin > 0; spin--) {
                    Thread.onSpinWait();
                }

                (random.nextBoolean() ? wire.writer() : wire.reader()).close();
                wire.close();

                assertInstanceOf(IOException.class, writer.failureWithin(1000), "seed " + seed);
                reader.failureWithin(1000);
            }
            bystander.writer().write(out, 0, 1);
            assertEquals(1, bystander.reader().read(in, 0, 100), "seed " + seed);
        }
    }
}
