package org.transhume.channels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.net.SocketTimeoutException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.transhume.channels.SystemCalls.Frame;

@ExtendWith(GivesBackEverything.class)
final class ConnectionsTest {
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    @TempDir
    Path dir;

    private final AtomicInteger names = new AtomicInteger();

    @Nested
    final class Tcp4 implements SocketContract {
        @Override
        public Address address() {
            return new Address.Tcp("127.0.0.1", 0);
        }
    }

    @Nested
    final class Tcp6 implements SocketContract {
        @Override
        public Address address() {
            return new Address.Tcp("::1", 0);
        }
    }

    @Nested
    final class TcpAnyHost implements SocketContract {
        @Override
        public Address address() {
            return new Address.Tcp("", 0);
        }
    }

    @Nested
    final class Unix implements SocketContract {
        @Override
        public Address address() {
            return new Address.Unix(dir.resolve("socket" + names.incrementAndGet()));
        }
    }

    @Nested
    final class Exec implements ConnectionContract {
        @Override
        public Wire wire() throws IOException {
            Connection echo = Connections.connect(new Address.Exec("exec cat"), PATIENCE);
            return new Wire(echo, echo);
        }

        @RepeatedTest(20)
        @SuppressWarnings("try") // closes early on purpose
        void aCommandThatDiesOfOurCloseDoesNotPassForAPeerThatWentAway() throws Exception {
            try (Wire wire = wire();
                    Arena arena = Arena.ofShared()) {
                MemorySegment large = arena.allocate(1 << 20);
                OtherThread writer = new OtherThread(() -> {
                    while (true) {
                        wire.writer().write(large, 0, large.byteSize());
                    }
                });
                MemorySegment small = arena.allocate(1000);
                ConnectionContract.readFully(wire.reader(), small);
                OtherThread reader = new OtherThread(() -> {
                    while (wire.reader().read(small, 0, 1000) > 0) {
                        // on
                    }
                    return null;
                });

                wire.close();

                assertInstanceOf(ConnectionClosedException.class, writer.failureWithin(1000));
                assertInstanceOf(ConnectionClosedException.class, reader.failureWithin(1000));
            }
        }
    }

    @Nested
    final class FdOfAPipe implements ConnectionContract {
        @Override
        public Wire wire() throws IOException {
            int[] ends = SystemCalls.pipe(new Frame());
            return taken(ends[1], ends[0]);
        }
    }

    @Nested
    final class FdOfASocket implements ConnectionContract {
        @Override
        public Wire wire() throws IOException {
            int[] ends = socketPair();
            return taken(ends[1], ends[0]);
        }
    }

    private static ConnectionContract.Wire taken(int out, int in) throws IOException {
        Connection writer = Connections.connect(new Address.Fd(out), PATIENCE);
        try (Listener listener = Connections.listen(new Address.Fd(in))) {
            return new ConnectionContract.Wire(writer, listener.accept(PATIENCE));
        }
    }

    @Test
    void anInheritedSocketAnswersAndAnInheritedPipeDoesNot() throws Exception {
        int[] sockets = socketPair();
        int[] pipe = SystemCalls.pipe(new Frame());

        try (ConnectionContract.Wire socket = taken(sockets[0], sockets[1]);
                ConnectionContract.Wire plain = taken(pipe[1], pipe[0])) {
            assertTrue(socket.writer().bidirectional() && socket.reader().bidirectional());
            assertFalse(plain.writer().bidirectional() || plain.reader().bidirectional());
        }
    }

    @Test
    void anInheritedDescriptorIsBlockingAgainForWhoeverSharesIt() throws Exception {
        Frame frame = new Frame();
        int[] ends = SystemCalls.pipe(frame);
        int shared = SystemCalls.fcntl(frame, ends[1], SystemCalls.F_DUPFD_CLOEXEC, 3);

        Connection connection = Connections.connect(new Address.Fd(ends[1]), PATIENCE);
        int during = SystemCalls.fcntl(frame, shared, SystemCalls.F_GETFL, 0) & SystemCalls.O_NONBLOCK;
        connection.close();
        int after = SystemCalls.fcntl(frame, shared, SystemCalls.F_GETFL, 0) & SystemCalls.O_NONBLOCK;

        SystemCalls.close(frame, ends[0]);
        SystemCalls.close(frame, shared);
        assertNotEquals(0, during);
        assertEquals(0, after);
    }

    @Test
    void theWrongEndOfAPipeIsRefusedAndStaysTheCallers() throws Exception {
        Frame frame = new Frame();
        int[] ends = SystemCalls.pipe(frame);

        String toWrite = messageOf(() -> Connections.connect(new Address.Fd(ends[0]), PATIENCE));
        String toRead = messageOf(() -> Connections.listen(new Address.Fd(ends[1])));

        assertTrue(toWrite.contains("not open for writing"), toWrite);
        assertTrue(toRead.contains("not open for reading"), toRead);
        assertTrue(SystemCalls.fcntl(frame, ends[0], SystemCalls.F_GETFL, 0) >= 0);
        SystemCalls.close(frame, ends[0]);
        SystemCalls.close(frame, ends[1]);
    }

    @Test
    void whatIsWrongIsSaidInQemusWords() throws Exception {
        Path missing = dir.resolve("missing");
        Path below = missing.resolve("below");
        Path taken = Files.writeString(dir.resolve("taken"), "a file");
        Address.Tcp free;
        try (Listener listener = Connections.listen(new Address.Tcp("127.0.0.1", 0))) {
            free = (Address.Tcp) listener.address();
        }

        assertEquals(
                "Failed to connect to '" + missing + "': No such file or directory",
                messageOf(() -> Connections.connect(new Address.Unix(missing), PATIENCE)));
        assertEquals(
                "Failed to connect to '127.0.0.1:" + free.port() + "': Connection refused",
                messageOf(() -> Connections.connect(free, PATIENCE)));
        assertEquals(
                "Failed to bind socket to " + below + ": No such file or directory",
                messageOf(() -> Connections.listen(new Address.Unix(below))));
        assertEquals(
                "Failed to bind socket to " + taken
                        + ": Address already in use; another process listens there, choose another address",
                messageOf(() -> Connections.listen(new Address.Unix(taken))));
        assertEquals(
                "Could not create '" + below + "': No such file or directory",
                messageOf(() -> Connections.connect(new Address.File(below, 0), PATIENCE)));
        assertEquals(
                "Could not open '" + missing + "': No such file or directory",
                messageOf(() -> Connections.listen(new Address.File(missing, 0))));
        assertEquals(
                "Unable to take over fd:987654: Bad file descriptor",
                messageOf(() -> Connections.connect(new Address.Fd(987654), PATIENCE)));
        assertEquals("a file", Files.readString(taken));
    }

    @Test
    void aUnixPathThatIsTooLongIsRefused() {
        Address address = new Address.Unix(dir.resolve("x".repeat(108)));

        String message = messageOf(() -> Connections.listen(address));

        assertTrue(message.endsWith("' is too long: must be less than 108 bytes"), message);
    }

    @Test
    void aUnixListenerTakesItsOwnPathAwayAndNobodyElses() throws Exception {
        Address.Unix address = new Address.Unix(dir.resolve("socket"));

        Connections.listen(address).close();
        boolean afterOwn = Files.exists(address.path());
        Listener old = Connections.listen(address);
        Files.delete(address.path());
        Listener next = Connections.listen(address);
        old.close();
        boolean afterOld = Files.exists(address.path());
        next.close();

        assertFalse(afterOwn);
        assertTrue(afterOld);
    }

    @Test
    void aSocketLeftBehindByADeadProcessIsReplacedButALiveOneIsNot() throws Exception {
        Address.Unix address = new Address.Unix(dir.resolve("socket"));
        Frame frame = new Frame();
        int dead = SystemCalls.socket(frame, SystemCalls.AF_UNIX);
        try (Arena arena = Arena.ofConfined()) {
            SystemCalls.bind(frame, dead, SocketAddresses.of(arena, address.path()));
        }
        SystemCalls.close(frame, dead);

        try (Listener listener = Connections.listen(address)) {
            String second = messageOf(() -> Connections.listen(address));

            assertTrue(second.contains("Address already in use"), second);
            Connections.connect(listener.address(), PATIENCE).close();
        }
    }

    @Test
    void aFileGivesBackWhatWasWrittenAndKeepsWhatLiesBelowItsOffset() throws Exception {
        Path path = Files.writeString(dir.resolve("file"), "below the offset, and old text above it");
        Address.File address = new Address.File(path, 5);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment text = arena.allocateFrom("0123456789");
            MemorySegment back = arena.allocate(10);

            try (Connection out = Connections.connect(address, PATIENCE)) {
                out.write(text, 0, 10);
                out.finishWriting();
            }
            try (Listener listener = Connections.listen(address);
                    Connection in = listener.accept(PATIENCE)) {
                ConnectionContract.readFully(in, back);

                assertEquals(-1, in.read(back, 0, 1));
                assertFalse(in.bidirectional());
                assertThrows(IOException.class, () -> in.write(back, 0, 1));
            }
            assertEquals("below0123456789", Files.readString(path));
            assertEquals(-1, back.mismatch(text.asSlice(0, 10)));
        }
    }

    @Test
    void aNewFileIsItsOwnersOnlyAndStartsWithAHoleBelowItsOffset() throws Exception {
        Path path = dir.resolve("new");

        try (Connection out = Connections.connect(new Address.File(path, 4096), PATIENCE)) {
            assertFalse(out.bidirectional());
        }

        assertEquals(4096, Files.size(path));
        assertEquals(
                java.nio.file.attribute.PosixFilePermissions.fromString("rw-------"),
                Files.getPosixFilePermissions(path));
    }

    @Test
    void onePieceMayBeLongerThanAnIntCounts() throws Exception {
        long length = (3L << 30) + 1;
        try (Connection nowhere = Connections.connect(new Address.File(Path.of("/dev/null"), 0), PATIENCE);
                Arena arena = Arena.ofConfined();
                IoVector vector = new IoVector(1)) {
            // That device never looks at the memory, so that there need not be any.
            MemorySegment huge = arena.allocate(8).reinterpret(length);

            nowhere.write(huge, 0, length);
            vector.add(huge, 0, length);
            nowhere.write(vector);

            assertEquals(2 * length, nowhere.bytesWritten());
        }
    }

    @Test
    @SuppressWarnings("try") // closes early on purpose
    void aSingleConnectionIsGivenOnceAndTheNextAcceptWaitsForTheClose() throws Exception {
        Path path = Files.writeString(dir.resolve("file"), "text");
        try (Listener listener = Connections.listen(new Address.File(path, 0))) {
            Connection only = listener.accept(PATIENCE);
            assertThrows(SocketTimeoutException.class, () -> listener.accept(Duration.ofMillis(20)));
            OtherThread second = new OtherThread(() -> listener.accept(Duration.ZERO));
            second.awaitBlocked();

            listener.close();

            assertInstanceOf(ConnectionClosedException.class, second.failureWithin(1000));
            try (only;
                    Arena arena = Arena.ofConfined()) {
                assertEquals(4, only.read(arena.allocate(10), 0, 10));
            }
        }
    }

    @Test
    void aSingleConnectionThatNobodyTookIsClosedWithItsListener() throws Exception {
        Listener listener = Connections.listen(new Address.Exec("exec cat"));

        listener.close();

        assertThrows(ConnectionClosedException.class, () -> listener.accept(Duration.ZERO));
    }

    @Test
    void anIncomingCommandIsReadToItsEnd() throws Exception {
        try (Listener listener = Connections.listen(new Address.Exec("printf 12345"));
                Connection in = listener.accept(PATIENCE);
                Arena arena = Arena.ofConfined()) {
            MemorySegment five = arena.allocate(5);

            ConnectionContract.readFully(in, five);
            int end = in.read(five, 0, 1);
            in.awaitEnd(PATIENCE);

            assertEquals('5', ConnectionContract.byteAt(five, 4));
            assertEquals(-1, end);
        }
    }

    @Test
    void anOutgoingCommandHasTakenEverythingWhenItEnds() throws Exception {
        Path copy = dir.resolve("copy");
        try (Connection out = Connections.connect(new Address.Exec("cat > '" + copy + "'"), PATIENCE);
                Arena arena = Arena.ofConfined()) {
            out.write(arena.allocate(1_000_000), 0, 1_000_000);

            out.finishWriting();
            out.awaitEnd(PATIENCE);

            assertEquals(1_000_000, Files.size(copy));
        }
    }

    @Test
    void aCommandThatFailsIsAnErrorAtItsEnd() throws Exception {
        try (Connection out = Connections.connect(new Address.Exec("cat >/dev/null; exit 3"), PATIENCE)) {
            out.finishWriting();

            String message = messageOf(() -> {
                out.awaitEnd(PATIENCE);
                return out;
            });

            assertEquals("command 'cat >/dev/null; exit 3' ended with status 3", message);
        }
    }

    @Test
    void aCommandThatDiesIsAnErrorToTheWriter() throws Exception {
        try (Connection out = Connections.connect(new Address.Exec("exit 0"), PATIENCE);
                Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(1 << 20);

            IOException failure = assertThrows(IOException.class, () -> out.write(buffer, 0, 1 << 20));

            assertTrue(failure.getMessage().endsWith(": Broken pipe"), failure.getMessage());
        }
    }

    @Test
    void aCommandThatDoesNotEndIsEndedWithAllItStarted() throws Exception {
        Connection out = Connections.connect(new Address.Exec("sleep 100 & sleep 100"), PATIENCE);

        String stillRuns = messageOf(() -> {
            out.awaitEnd(Duration.ofMillis(10));
            return out;
        });
        out.close();

        assertTrue(stillRuns.contains("still runs after 10 ms"), stillRuns);
        assertEquals(
                0,
                ProcessHandle.current()
                        .descendants()
                        .filter(ConnectionsTest::isSleep)
                        .count());
    }

    @Test
    void anUnknownHostIsAnErrorOfTheConnection() {
        Address address = new Address.Tcp("no-such-host.invalid", 1);

        String message = messageOf(() -> Connections.connect(address, PATIENCE));

        assertEquals("address resolution failed for no-such-host.invalid:1: Name or service not known", message);
    }

    @Test
    void readingAndWritingAllocateNothing() throws Exception {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        int[] ends = socketPair();
        try (ConnectionContract.Wire wire = taken(ends[0], ends[1]);
                Arena arena = Arena.ofShared();
                IoVector vector = new IoVector(4)) {
            MemorySegment out = arena.allocate(100);
            MemorySegment in = arena.allocate(100);

            long least = Long.MAX_VALUE; // the interpreter and the compiler at work allocate; compiled code must not
            for (int round = 0; round < 50 && least > 0; round++) {
                long before = threads.getCurrentThreadAllocatedBytes();
                for (int i = 0; i < 2000; i++) {
                    wire.writer().write(out, 0, 10);
                    vector.add(out, 0, 10);
                    vector.add(out, 20, 10);
                    wire.writer().write(vector);
                    wire.reader().read(in, 0, 5);
                    vector.add(in, 50, 10);
                    vector.add(in, 70, 15);
                    wire.reader().read(vector);
                    vector.clear();
                }
                least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
            }

            assertTrue(least < 2000, least + " bytes for 2000 rounds"); // the counter itself is not always exact
        }
    }

    private static boolean isSleep(ProcessHandle process) {
        return process.isAlive() && process.info().command().orElse("").endsWith("sleep");
    }

    private interface Attempt {
        AutoCloseable make() throws IOException;
    }

    private static String messageOf(Attempt attempt) {
        return assertThrows(IOException.class, attempt::make).getMessage();
    }

    private static int[] socketPair() throws IOException {
        Linker linker = Linker.nativeLinker();
        FunctionDescriptor type = FunctionDescriptor.of(
                ValueLayout.JAVA_INT,
                ValueLayout.JAVA_INT,
                ValueLayout.JAVA_INT,
                ValueLayout.JAVA_INT,
                ValueLayout.ADDRESS);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment ends = arena.allocate(ValueLayout.JAVA_INT, 2);
            Object result = linker.downcallHandle(linker.defaultLookup().findOrThrow("socketpair"), type)
                    .invokeWithArguments(1, 1, 0, ends);
            assertEquals(0, result);
            return ends.toArray(ValueLayout.JAVA_INT);
        } catch (IOException | RuntimeException | Error e) {
            throw e;
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }
}
