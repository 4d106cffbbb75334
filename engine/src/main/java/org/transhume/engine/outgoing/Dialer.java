package org.transhume.engine.outgoing;

import java.io.IOException;
import java.time.Duration;
import org.transhume.channels.Address;
import org.transhume.channels.Connection;
import org.transhume.channels.Connections;

/** Opens connections to one destination: the main channel first, then one for each page channel. */
public interface Dialer {
    Connection dial(Duration limit) throws IOException;

    /** Whether it can be asked more than once. */
    boolean multiChannel();

    static Dialer to(Address address) {
        return new Dialer() {
            @Override
            public Connection dial(Duration limit) throws IOException {
                return Connections.connect(address, limit);
            }

            @Override
            public boolean multiChannel() {
                return address.multiChannel();
            }
        };
    }
}
