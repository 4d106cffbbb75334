package org.transhume.control.command;

import org.transhume.channels.Address;
import picocli.CommandLine;

/** Migration URIs on the command line. */
final class AddressConverter implements CommandLine.ITypeConverter<Address> {
    @Override
    public Address convert(String text) {
        try {
            return Address.parse(text);
        } catch (IllegalArgumentException e) {
            throw new CommandLine.TypeConversionException(
                    e.getMessage() + "; expected tcp:HOST:PORT, unix:PATH, file:PATH[,offset=N], exec:COMMAND or fd:N");
        }
    }
}
