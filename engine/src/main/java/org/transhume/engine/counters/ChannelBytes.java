package org.transhume.engine.counters;

import org.transhume.engine.ConnectionSet;

/** Bytes that went over the connections of a migration so far. One look; not for several threads. */
public final class ChannelBytes {
    private final CounterValues.Builder values;
    private long mainWritten;
    private long mainRead;
    private long multifdWritten;
    private long multifdRead;

    private ChannelBytes(CounterValues.Builder values) {
        this.values = values;
    }

    /** Adds the counters of all channels together, and of each. */
    public static void count(ConnectionSet connections, CounterValues.Builder values) {
        ChannelBytes sums = new ChannelBytes(values);
        connections.forEach(sums::add);
        values.with(Counter.MAIN_WRITTEN_BYTES, sums.mainWritten)
                .with(Counter.MAIN_READ_BYTES, sums.mainRead)
                .with(Counter.MULTIFD_WRITTEN_BYTES, sums.multifdWritten)
                .with(Counter.MULTIFD_READ_BYTES, sums.multifdRead);
    }

    private void add(int channel, long written, long read) {
        values.channel(channel, written, read);
        if (channel == ConnectionSet.MAIN) {
            mainWritten += written;
            mainRead += read;
        } else if (channel >= 0) {
            multifdWritten += written;
            multifdRead += read;
        }
    }
}
