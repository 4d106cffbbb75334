package org.transhume.control.devices;

import java.util.Optional;
import java.util.OptionalLong;

/**
 * Where a SPICE client finds the guest after its migration. At least one port is there.
 *
 * @param certSubject expected in the server's certificate
 */
public record SpiceTarget(String hostname, OptionalLong port, OptionalLong tlsPort, Optional<String> certSubject) {}
