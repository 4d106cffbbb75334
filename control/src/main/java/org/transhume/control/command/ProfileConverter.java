package org.transhume.control.command;

import org.transhume.control.settings.Profile;
import picocli.CommandLine;

/** {@code --profile 10.0|3.1}. */
final class ProfileConverter implements CommandLine.ITypeConverter<Profile> {
    @Override
    public Profile convert(String text) {
        return Profile.named(text)
                .orElseThrow(() ->
                        new CommandLine.TypeConversionException("profile '%s': expected 10.0 or 3.1".formatted(text)));
    }
}
