package org.transhume.control.settings;

import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** What kind of value a parameter takes, and the Java type that {@link Settings} keeps for it. */
public sealed interface ParameterType {
    /** A {@link Long}; the unit is the parameter's. */
    record Whole(IntegerType type) implements ParameterType {}

    /** A {@link Boolean}. */
    record Flag() implements ParameterType {}

    /** A {@link String}; a client may write null for the empty one. */
    record Text() implements ParameterType {}

    /**
     * A {@link String}, one of {@code accepted}.
     *
     * @param lacking words that QEMU knows and this release has not built, each with what to tell a client who wants it
     */
    record Choice(List<String> accepted, Map<String, String> lacking) implements ParameterType {
        public Choice {
            accepted = List.copyOf(accepted);
            lacking = Map.copyOf(lacking);
        }

        /** Whether {@code word} means anything here, be it built or not. */
        public boolean knows(String word) {
            return accepted.contains(word) || lacking.containsKey(word);
        }

        /** All words that mean anything here. */
        public List<String> known() {
            return Stream.concat(accepted.stream(), lacking.keySet().stream().sorted())
                    .toList();
        }
    }

    /** A {@link BitmapMapping}. */
    record Mapping() implements ParameterType {}
}
