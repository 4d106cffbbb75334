package org.transhume.control.command;

import org.transhume.engine.guest.WorkloadSpec;
import picocli.CommandLine;

/** Workloads on the command line. */
final class WorkloadConverter implements CommandLine.ITypeConverter<WorkloadSpec> {
    @Override
    public WorkloadSpec convert(String text) {
        try {
            return WorkloadSpec.parse(text);
        } catch (IllegalArgumentException e) {
            throw new CommandLine.TypeConversionException(e.getMessage());
        }
    }
}
