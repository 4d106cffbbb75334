package org.transhume.engine.guest;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * What a synthetic guest does, e.g. {@code uniform:rate=20000,ws=1G}: a pattern, then settings.
 *
 * @param pattern which pages are written, and with what
 * @param rate pages a second over all threads; 0 is as many as go
 * @param workingSet bytes from the start of RAM that are written; 0: all of it
 * @param hot bytes at the start of it that take nine writes of ten, with pattern {@code hot}
 * @param seed makes it repeatable
 */
public record WorkloadSpec(Pattern pattern, long rate, long workingSet, long hot, long seed) {
    /** Where and what a workload writes. */
    public enum Pattern {
        /** Nothing. */
        IDLE(0),
        /** One word in a page chosen evenly. */
        UNIFORM(1),
        /** One word; nine of ten in the hot part. */
        HOT(1),
        /** One word a page, in order, again and again. */
        SWEEP(1),
        /** Whole pages of noise, chosen evenly. */
        RANDOM_BYTES(512),
        /** Four words scattered over a page chosen evenly. */
        SPARSE_WORDS(4);

        /** 64-bit words written each time. */
        final int words;

        Pattern(int words) {
            this.words = words;
        }

        /** The name in a specification. */
        public String text() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    public static final WorkloadSpec IDLE = new WorkloadSpec(Pattern.IDLE, 0, 0, 0, 0);

    private static final long DEFAULT_RATE = 20_000;
    private static final long DEFAULT_HOT = 16 << 20;
    private static final Set<String> KEYS = Set.of("rate", "ws", "hot", "seed");

    /** @throws IllegalArgumentException saying what came and what was expected */
    public static WorkloadSpec parse(String text) {
        int colon = text.indexOf(':');
        String name = colon < 0 ? text : text.substring(0, colon);
        List<String> names = Arrays.stream(Pattern.values()).map(Pattern::text).toList();
        if (!names.contains(name)) {
            throw new IllegalArgumentException(
                    "workload '%s': expected %s, then :rate=PAGES,ws=SIZE,hot=SIZE,seed=NUMBER"
                            .formatted(text, String.join(", ", names)));
        }
        Map<String, String> settings = new LinkedHashMap<>();
        if (colon >= 0) {
            for (String setting : text.substring(colon + 1).split(",", -1)) {
                int equals = setting.indexOf('=');
                if (equals < 0 || !KEYS.contains(setting.substring(0, equals))) {
                    throw new IllegalArgumentException(
                            "workload '%s': '%s', expected rate=, ws=, hot= or seed=".formatted(text, setting));
                }
                settings.put(setting.substring(0, equals), setting.substring(equals + 1));
            }
        }
        Pattern pattern = Pattern.values()[names.indexOf(name)];
        return new WorkloadSpec(
                pattern,
                number(settings, "rate", DEFAULT_RATE),
                size(settings, "ws", 0),
                size(settings, "hot", DEFAULT_HOT),
                number(settings, "seed", 1));
    }

    private static long number(Map<String, String> settings, String key, long otherwise) {
        String text = settings.get(key);
        if (text == null) {
            return otherwise;
        }
        if (!text.matches("[0-9]{1,18}")) {
            throw new IllegalArgumentException(
                    "workload: %s=%s, expected a number of up to 18 digits".formatted(key, text));
        }
        return Long.parseLong(text);
    }

    private static long size(Map<String, String> settings, String key, long otherwise) {
        return settings.containsKey(key) ? Size.parse(settings.get(key)) : otherwise;
    }

    @Override
    public String toString() {
        return pattern == Pattern.IDLE
                ? pattern.text()
                : "%s:rate=%d,ws=%d%s,seed=%d"
                        .formatted(pattern.text(), rate, workingSet, pattern == Pattern.HOT ? ",hot=" + hot : "", seed);
    }
}
