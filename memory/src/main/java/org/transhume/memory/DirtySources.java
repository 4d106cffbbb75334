package org.transhume.memory;

import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** The dirty sources there are, and which of them work here. */
public final class DirtySources {
    private DirtySources() {}

    /**
     * One kind of source.
     *
     * @param refusal why it does not work on this machine; empty if it does
     */
    public record Offer(String name, String cost, Optional<String> refusal) {
        @Override
        public String toString() {
            return name + ": " + refusal.map(reason -> "not here, " + reason).orElse("works; " + cost);
        }
    }

    /** Every kind of source, best first, tried for real. */
    public static List<Offer> offers() {
        return List.of(
                new Offer(WriteProtectSource.NAME, WriteProtectSource.COST, WriteProtectSource.unavailable()),
                new Offer(WriterMarks.NAME, WriterMarks.COST, Optional.empty()));
    }

    /**
     * The best source that works here without the writer's help. The caller closes it.
     *
     * @throws UnsupportedOperationException if there is none: falling back to marks would lose the pages of a writer
     *     that does not set them
     */
    public static DirtySource best(GuestMemory memory) {
        return WriteProtectSource.unavailable().isEmpty()
                ? new WriteProtectSource(memory)
                : refuse("no source works here without the writer's help");
    }

    /**
     * The source of that name. The caller closes it.
     *
     * @throws IllegalArgumentException if no source has that name
     * @throws UnsupportedOperationException if it does not work here; the message says why
     */
    public static DirtySource named(String name, GuestMemory memory) {
        return switch (name) {
            case WriteProtectSource.NAME ->
                WriteProtectSource.unavailable().isEmpty()
                        ? new WriteProtectSource(memory)
                        : refuse("dirty source " + name + " does not work here");
            case WriterMarks.NAME -> new WriterMarks(memory);
            default ->
                throw new IllegalArgumentException("dirty source %s: expected one of %s"
                        .formatted(name, offers().stream().map(Offer::name).toList()));
        };
    }

    private static DirtySource refuse(String what) {
        throw new UnsupportedOperationException(
                what + ". " + offers().stream().map(Offer::toString).collect(Collectors.joining(". ")));
    }
}
