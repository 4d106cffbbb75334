package org.transhume.engine.simulation;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import org.transhume.channels.Connection;
import org.transhume.channels.IoVector;
import org.transhume.channels.qemu.MultifdPacket;
import org.transhume.channels.qemu.ReturnPathMessage;
import org.transhume.channels.qemu.StreamWriter;
import org.transhume.engine.Recording;
import org.transhume.engine.outgoing.Dialer;

/**
 * The way to a simulated destination, and that destination: one link for all channels with a queue in front of it, slower and
 * faster as the trace was. It knows which version of each page arrived.
 */
final class SimulatedPath implements Dialer, VirtualClock.Coming, AutoCloseable {
    private static final double NANOS_PER_SECOND = 1e9;
    private static final double NANOS_PER_MILLI = 1e6;
    /** Handing bytes to the kernel: a copy. */
    private static final double NANOS_PER_BYTE = 0.4;
    /** What a piece of the path carries is decided anew that often. */
    private static final double STEP_NANOS = 1e6;

    private static final byte[] PING = {8, 0, 2, 0, 4};

    private final World world;
    private final long cutAt;
    private final Arena arena = Arena.ofShared();
    private final MultifdPacket packet = new MultifdPacket(arena);
    private final int[] arrived = new int[World.PAGES];
    private final List<Channel> channels = new ArrayList<>();
    private final Mail mail = new Mail();
    private final Deque<Pong> pongs = new ArrayDeque<>();
    private boolean greeted;
    private VirtualClock clock;
    private SimulatedGuest guest;
    private double queue;
    private long drainedUntil;
    private long bytes;
    private volatile boolean cut;

    private record Pong(int value, long at) {}

    /** @param cutAt bytes over all channels after which it breaks; -1: never */
    SimulatedPath(World world, long cutAt) {
        this.world = world;
        this.cutAt = cutAt;
        Arrays.fill(arrived, -1);
    }

    void connect(VirtualClock clock, SimulatedGuest guest) {
        this.clock = clock;
        this.guest = guest;
        drainedUntil = clock.nanos();
    }

    /** Pages of which the destination has another version than the guest, or none. */
    int stale() {
        int stale = 0;
        for (int page = 0; page < World.PAGES; page++) {
            if (arrived[page] != guest.version(page)) {
                stale++;
            }
        }
        return stale;
    }

    /** Bytes that went over it. */
    long bytes() {
        return bytes;
    }

    @Override
    public Connection dial(Duration limit) {
        clock.advance(2 * world.latencyNanos());
        Channel channel = new Channel(channels.size());
        channels.add(channel);
        return channel;
    }

    @Override
    public boolean multiChannel() {
        return true;
    }

    private double rate(long now) {
        return world.linkBytesPerSecond() * world.trace().bandwidth(now) / NANOS_PER_SECOND;
    }

    private void drain() {
        long now = clock.nanos();
        while (drainedUntil < now && queue > 0) {
            double step = Math.min(STEP_NANOS, (double) (now - drainedUntil));
            queue -= Math.min(queue, step * rate(drainedUntil));
            drainedUntil += (long) Math.max(1, step);
        }
        drainedUntil = now;
    }

    private void push(long count) throws IOException {
        if (cutAt >= 0 && bytes + count > cutAt) {
            cut = true;
            pongs.clear();
            mail.end();
            throw new IOException("the simulated path broke after %d bytes".formatted(cutAt));
        }
        bytes += count;
        double left = count;
        while (left > 0) {
            drain();
            double room = Math.min(left, Math.max(0, world.queueBytes() - queue));
            queue += room;
            left -= room;
            clock.advance(1 + room * NANOS_PER_BYTE);
            if (left > 0) {
                clock.advance(Math.min(STEP_NANOS, Math.min(left, (double) world.queueBytes()) / rate(clock.nanos())));
            }
        }
    }

    /** When what is sent now arrives. */
    private double arrival() {
        drain();
        double at = clock.nanos();
        for (double left = queue; left > 0; at += STEP_NANOS) {
            left -= STEP_NANOS * rate((long) at);
        }
        return at + world.latencyNanos();
    }

    @Override
    public long aside() {
        return pongs.isEmpty() ? VirtualClock.NEVER : pongs.peek().at();
    }

    @Override
    public void happenAside() {
        mail.deliver(bytes(new ReturnPathMessage.Pong(pongs.remove().value())));
    }

    /** The destination answers the ping of the beginning, and once everything has arrived, is loaded and runs. */
    @Override
    public long awaited() {
        if (!cut && !greeted) {
            return clock.nanos() + (long) (2 * world.latencyNanos());
        }
        if (cut || !guest.saved()) {
            return VirtualClock.NEVER;
        }
        return (long) (arrival() + world.trace().start() * NANOS_PER_MILLI + world.latencyNanos());
    }

    @Override
    public void happen() {
        mail.put(bytes(greeted ? new ReturnPathMessage.Shut(0) : new ReturnPathMessage.Pong(1)));
        greeted = true;
    }

    private static byte[] bytes(ReturnPathMessage message) {
        Recording.Kept kept = new Recording.Kept();
        try (StreamWriter out = new StreamWriter(kept)) {
            message.write(out);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return kept.bytes();
    }

    @Override
    public void close() {
        arena.close();
    }

    private final class Channel implements Connection {
        private final int number;
        private long written;
        private int told;
        private byte[] answer = {};

        Channel(int number) {
            this.number = number;
        }

        @Override
        public void write(MemorySegment from, long offset, long length) throws IOException {
            push(length);
            written += length;
        }

        /** The first question is answered to whoever waits for it; nothing on this channel looks like one and is none. */
        private void look(ByteBuffer bytes) {
            for (int i = 0; i + PING.length + Integer.BYTES <= bytes.limit(); i++) {
                boolean ping = true;
                for (int j = 0; j < PING.length; j++) {
                    ping &= bytes.get(i + j) == PING[j];
                }
                if (ping && greeted) {
                    pongs.add(new Pong(bytes.getInt(i + PING.length), (long) (arrival() + world.latencyNanos())));
                }
            }
        }

        @Override
        public void write(IoVector from) throws IOException {
            long length = from.bytes();
            if (number > 0 && from.first().byteSize() == MultifdPacket.BYTES) {
                note(from.first());
            }
            byte[] first = number == 0 ? from.first().toArray(ValueLayout.JAVA_BYTE) : new byte[0];
            from.clear();
            push(length);
            written += length;
            look(ByteBuffer.wrap(first));
        }

        /** A page travels as it is when its bytes are taken; a write after that is another version. */
        private void note(MemorySegment first) {
            guest.catchUp();
            MemorySegment.copy(first, 0, packet.frame(), 0, MultifdPacket.BYTES);
            for (int i = 0; i < packet.normalPages() + packet.zeroPages(); i++) {
                int page = (int) (packet.offset(i) / 4096);
                arrived[page] = guest.version(page);
            }
        }

        @Override
        public int read(MemorySegment into, long offset, int length) throws IOException {
            if (number > 0) {
                return -1;
            }
            if (told == answer.length) {
                answer = mail.take();
                told = 0;
            }
            int count = Math.min(length, answer.length - told);
            MemorySegment.copy(MemorySegment.ofArray(answer), told, into, offset, count);
            told += count;
            return count == 0 ? -1 : count;
        }

        @Override
        public long read(IoVector into) {
            throw new UnsupportedOperationException("nothing in the engine's source reads so");
        }

        @Override
        public boolean awaitReadable(int millis) {
            return true;
        }

        @Override
        public void finishWriting() {}

        @Override
        public void awaitEnd(Duration limit) {}

        @Override
        public boolean bidirectional() {
            return number == 0;
        }

        @Override
        public long bytesRead() {
            return 0;
        }

        @Override
        public long bytesWritten() {
            return written;
        }

        /** There is one queue, which the first page channel answers for. */
        @Override
        public long unsent() {
            if (number != 1) {
                return 0;
            }
            drain();
            return (long) queue;
        }

        @Override
        public String peer() {
            return "a simulated destination";
        }

        @Override
        public void close() {
            mail.end();
        }
    }
}
