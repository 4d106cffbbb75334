package org.transhume.control.domain.host;

import org.transhume.channels.Address;
import org.transhume.control.domain.error.IllegalMigrationException;

/** Addresses as virsh's users write them, {@code tcp://host:port}, and as QEMU's do, {@code tcp:host:port}. */
public final class MigrationUri {
    private MigrationUri() {}

    /** @throws IllegalMigrationException if it is neither */
    public static Address parse(String uri) {
        String plain = uri;
        if (uri.startsWith("tcp://")) {
            plain = "tcp:" + uri.substring("tcp://".length());
        } else if (uri.startsWith("unix://")) {
            plain = "unix:" + uri.substring("unix://".length());
        }
        try {
            return Address.parse(plain);
        } catch (IllegalArgumentException e) {
            throw new IllegalMigrationException(
                    "bad-uri", "URI '%s': %s; expected tcp://HOST:PORT or unix:///PATH".formatted(uri, e.getMessage()));
        }
    }
}
