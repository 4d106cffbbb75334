package org.transhume.control.settings;

import java.util.List;

/** What kind of value a parameter takes, and the Java type that {@link Settings} keeps for it. */
public sealed interface ParameterType {
    /** A {@link Long}; the unit is the parameter's. */
    record Whole(IntegerType type) implements ParameterType {}

    /** A {@link Boolean}. */
    record Flag() implements ParameterType {}

    /** A {@link String}; a client may write null for the empty one. */
    record Text() implements ParameterType {}

    /** A {@link String}, one of {@code accepted}. */
    record Choice(List<String> accepted) implements ParameterType {
        public Choice {
            accepted = List.copyOf(accepted);
        }
    }

    /** A {@link BitmapMapping}. */
    record Mapping() implements ParameterType {}
}
