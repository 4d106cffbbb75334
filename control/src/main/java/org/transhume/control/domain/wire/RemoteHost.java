package org.transhume.control.domain.wire;

import java.io.IOException;
import java.time.Duration;
import org.transhume.channels.Connection;
import org.transhume.channels.Connections;
import org.transhume.control.domain.Host;
import org.transhume.control.domain.HostConnection;
import org.transhume.control.domain.HostId;
import org.transhume.control.domain.error.HostLostException;
import org.transhume.control.domain.host.MigrationUri;

/** A host of another process, at the address of its {@link DomainService}. */
public record RemoteHost(String uri) implements Host {
    private static final Duration CONNECT = Duration.ofSeconds(10);

    @Override
    public HostId id() {
        return new HostId(uri);
    }

    @Override
    public HostConnection connect() {
        try {
            Connection connection = Connections.connect(MigrationUri.parse(uri), CONNECT);
            return RemoteConnection.over(connection, uri);
        } catch (IOException e) {
            throw new HostLostException("host %s: %s".formatted(uri, e.getMessage()), e);
        }
    }
}
