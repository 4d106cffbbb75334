package org.transhume.control.command;

import java.io.IOException;
import java.util.Optional;
import org.transhume.channels.Address;
import org.transhume.control.domain.HostId;
import org.transhume.control.domain.host.DefinitionsInMemory;
import org.transhume.control.domain.host.LocalHost;
import org.transhume.control.domain.host.MigrationUri;
import org.transhume.control.domain.wire.DomainService;
import org.transhume.control.domain.wire.RemoteHost;
import org.transhume.control.process.GuestProcess;

/** The guest of this process as a host's only domain, or as the place for one to arrive. */
final class GuestHost implements AutoCloseable {
    private static final String LOOPBACK = "127.0.0.1";

    private final GuestProcess process;
    private DomainService service;

    GuestHost(GuestProcess process) {
        this.process = process;
    }

    /**
     * Opens the domain service.
     *
     * @param domain name of the guest; empty if it waits to arrive
     * @return where it listens
     */
    String open(String uri, Optional<String> domain) throws IOException {
        String address =
                MigrationUri.parse(uri) instanceof Address.Tcp(String name, int _) && !name.isEmpty() ? name : LOOPBACK;
        LocalHost host = new LocalHost(
                new HostId(uri), new DefinitionsInMemory(), address, other -> new RemoteHost(other).connect());
        domain.ifPresentOrElse(
                name -> host.define(name, Optional.empty(), process.runtime(), process.control()),
                () -> host.offer(process.runtime(), process.control()));
        service = DomainService.open(uri, host);
        return service.address().uri();
    }

    @Override
    public void close() {
        if (service != null) {
            service.close();
        }
    }
}
