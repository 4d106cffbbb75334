package org.transhume.engine.embedding;

import java.io.IOException;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.transhume.channels.Address;
import org.transhume.channels.Connections;
import org.transhume.engine.Extensions;
import org.transhume.engine.Guest;
import org.transhume.engine.IncomingGuest;
import org.transhume.engine.MigrationObserver;
import org.transhume.engine.incoming.IncomingConfig;
import org.transhume.engine.incoming.IncomingMigration;
import org.transhume.engine.outgoing.Dialer;
import org.transhume.engine.outgoing.OutgoingConfig;
import org.transhume.engine.outgoing.OutgoingMigration;

/**
 * Starts migrations. A builder belongs to one thread and may start several, one after the other; what it starts belongs to
 * nobody, and every method of it may be called from any thread.
 *
 * <p>Observers and futures are told by threads of the migration that hold no lock: they may call anything, but a migration
 * waits for them. A future completes once, after everything that the migration took was given back.
 */
public final class Migration {
    private Migration() {}

    /**
     * Of a guest that is to leave this process: with a return path, one stream and a pause of 300 ms at the most, unless told
     * otherwise.
     *
     * @param guest the caller's; no other migration may use it at the same time
     */
    public static Outgoing outgoing(Guest guest) {
        return new Outgoing(guest);
    }

    /**
     * Of a guest that is to come to this process.
     *
     * @param guest the caller's, and a place for what comes
     */
    public static Incoming incoming(IncomingGuest guest) {
        return new Incoming(guest);
    }

    /** Names what an outgoing migration needs. */
    public static final class Outgoing {
        private static final MigrationObserver NOBODY = new MigrationObserver() {};

        private final Guest guest;
        private OutgoingConfig.Builder config = OutgoingConfig.builder().returnPath(true);
        private Dialer dialer;
        private MigrationObserver observer = NOBODY;
        private String name = "migration";

        private Outgoing(Guest guest) {
            this.guest = guest;
        }

        /**
         * @param uri {@code tcp:HOST:PORT}, {@code unix:PATH}, {@code file:PATH}, {@code exec:COMMAND} or {@code fd:N}
         * @throws IllegalArgumentException if it is none of these, saying why
         */
        public Outgoing to(String uri) {
            dialer = Dialer.to(Address.parse(uri));
            return this;
        }

        /** Over connections of the caller's. */
        public Outgoing to(Dialer way) {
            dialer = way;
            return this;
        }

        /** Changes the settings, e.g. {@code config -> config.channels(2).maxBandwidth(1 << 30)}. */
        public Outgoing with(UnaryOperator<OutgoingConfig.Builder> settings) {
            config = settings.apply(config);
            return this;
        }

        /**
         * The other side is a Transhume that was told the same: ranges that were never written travel as such, and who has
         * the guest is settled also where an answer is lost (docs/wire.md).
         */
        public Outgoing betweenTranshumes() {
            config = config.holeRuns(true).handover(true);
            return this;
        }

        public Outgoing observedBy(MigrationObserver value) {
            observer = value;
            return this;
        }

        /** @param value names the migration's threads */
        public Outgoing named(String value) {
            name = value;
            return this;
        }

        /**
         * Begins, and returns at once; whatever goes wrong from here on is in the report.
         *
         * @throws IllegalArgumentException for settings that contradict each other
         * @throws IllegalStateException if nobody said where to
         */
        public OutgoingMigration start() {
            if (dialer == null) {
                throw new IllegalStateException("no destination: say to(URI) before start()");
            }
            return OutgoingMigration.start(guest, dialer, config.build(), observer, name);
        }
    }

    /** Names what an incoming migration needs. */
    public static final class Incoming {
        private final IncomingGuest guest;
        private IncomingConfig config = IncomingConfig.DEFAULT;
        private Address address;
        private MigrationObserver observer = Outgoing.NOBODY;
        private String name = "arrival";

        private Incoming(IncomingGuest guest) {
            this.guest = guest;
        }

        /**
         * @param uri where to listen, as {@link Outgoing#to(String)} has it
         * @throws IllegalArgumentException if it is none of these, saying why
         */
        public Incoming at(String uri) {
            address = Address.parse(uri);
            return this;
        }

        /** Changes the settings, e.g. {@code config -> config.withChannels(2)}: as many as the source opens. */
        public Incoming with(UnaryOperator<IncomingConfig> settings) {
            config = settings.apply(config);
            return this;
        }

        /** The other side is a Transhume that was told the same, see {@link Outgoing#betweenTranshumes}. */
        public Incoming betweenTranshumes() {
            config = config.withShared(Set.of(Extensions.HOLE_RUNS, Extensions.HANDOVER));
            return this;
        }

        public Incoming observedBy(MigrationObserver value) {
            observer = value;
            return this;
        }

        /** @param value names the migration's threads */
        public Incoming named(String value) {
            name = value;
            return this;
        }

        /**
         * Listens, and returns once a source can connect; whatever goes wrong from here on is in the report.
         *
         * @throws IOException if nobody can listen there
         * @throws IllegalStateException if nobody said where
         */
        public IncomingMigration start() throws IOException {
            if (address == null) {
                throw new IllegalStateException("no address: say at(URI) before start()");
            }
            return IncomingMigration.start(guest, Connections.listen(address), config, observer, name);
        }
    }
}
