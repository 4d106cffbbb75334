package org.transhume.control.command;

import java.util.Arrays;
import java.util.Iterator;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.transhume.control.settings.Capability;
import org.transhume.control.settings.Parameter;
import org.transhume.control.settings.ParameterType;
import org.transhume.control.settings.Profile;

/** What the shell offers for options whose words come from the tables. */
final class Completions {
    private Completions() {}

    /** Capabilities that are built, of any profile. */
    static final class Capabilities implements Iterable<String> {
        @Override
        public Iterator<String> iterator() {
            return Arrays.stream(Capability.values())
                    .filter(Capability::built)
                    .map(Capability::wireName)
                    .iterator();
        }
    }

    /** Parameters that are built, with {@code =}, and where they take one of several words with each of them. */
    static final class Parameters implements Iterable<String> {
        @Override
        public Iterator<String> iterator() {
            return Arrays.stream(Parameter.values())
                    .filter(Parameter::built)
                    .filter(Predicate.not(parameter -> parameter == Parameter.BLOCK_BITMAP_MAPPING))
                    .flatMap(Parameters::settings)
                    .iterator();
        }

        private static Stream<String> settings(Parameter parameter) {
            return words(parameter.type(Profile.V10_0)).map(word -> parameter.wireName() + "=" + word);
        }

        private static Stream<String> words(ParameterType type) {
            return switch (type) {
                case ParameterType.Flag _ -> Stream.of("on", "off");
                case ParameterType.Choice choice -> choice.accepted().stream();
                case ParameterType.Whole _, ParameterType.Text _, ParameterType.Mapping _ -> Stream.of("");
            };
        }
    }

    /** Names of the profiles. */
    static final class Profiles implements Iterable<String> {
        @Override
        public Iterator<String> iterator() {
            return Arrays.stream(Profile.values()).map(Profile::label).iterator();
        }
    }
}
