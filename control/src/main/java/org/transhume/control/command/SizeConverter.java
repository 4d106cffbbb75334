package org.transhume.control.command;

import org.transhume.engine.guest.Size;
import picocli.CommandLine;

/** Sizes on the command line: {@code 64M}, {@code 4G}, {@code 1T}. */
public final class SizeConverter implements CommandLine.ITypeConverter<Long> {
    @Override
    public Long convert(String text) {
        try {
            return Size.parse(text);
        } catch (IllegalArgumentException e) {
            throw new CommandLine.TypeConversionException(e.getMessage());
        }
    }
}
