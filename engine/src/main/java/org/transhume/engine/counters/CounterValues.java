package org.transhume.engine.counters;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** One look at the counters of a migration: every one that its side has. Immutable. */
public final class CounterValues {
    private final Side side;
    private final Map<Counter, Long> values;
    private final List<Channel> channels;

    private CounterValues(Side side, Map<Counter, Long> values, List<Channel> channels) {
        this.side = side;
        this.values = values;
        this.channels = channels;
    }

    /**
     * Bytes of one connection.
     *
     * @param number of the page channel, 0 and up, or as {@link org.transhume.engine.ConnectionSet} has it
     */
    public record Channel(int number, long writtenBytes, long readBytes) {}

    public static Builder of(Side side) {
        return new Builder(side);
    }

    public Side side() {
        return side;
    }

    /** @throws IllegalArgumentException for one that this side does not have, or each channel has */
    public long get(Counter counter) {
        if (!counter.countedAt(side) || counter.perChannel()) {
            throw new IllegalArgumentException("%s is not counted at the %s".formatted(counter.wireName(), side));
        }
        return values.get(counter);
    }

    public List<Channel> channels() {
        return channels;
    }

    /** Takes every counter of its side once. */
    public static final class Builder {
        private final Side side;
        private final Map<Counter, Long> values = new EnumMap<>(Counter.class);
        private final List<Channel> channels = new ArrayList<>();

        private Builder(Side side) {
            this.side = side;
        }

        public Builder with(Counter counter, long value) {
            if (!counter.countedAt(side) || counter.perChannel() || values.containsKey(counter)) {
                throw new IllegalArgumentException(
                        "%s: not counted at the %s, or given twice".formatted(counter.wireName(), side));
            }
            values.put(counter, value);
            return this;
        }

        public Builder channel(int number, long writtenBytes, long readBytes) {
            channels.add(new Channel(number, writtenBytes, readBytes));
            return this;
        }

        /** @throws IllegalStateException if one is missing: the table and the migration must not drift apart */
        public CounterValues build() {
            for (Counter counter : Counter.of(side)) {
                if (!values.containsKey(counter)) {
                    throw new IllegalStateException("the %s does not say %s".formatted(side, counter.wireName()));
                }
            }
            return new CounterValues(side, new EnumMap<>(values), List.copyOf(channels));
        }
    }
}
