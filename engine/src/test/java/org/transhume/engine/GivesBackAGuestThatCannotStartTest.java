package org.transhume.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.transhume.channels.Address;
import org.transhume.channels.Connections;
import org.transhume.channels.Listener;
import org.transhume.channels.qemu.BlockEntry;
import org.transhume.channels.qemu.DeviceTail;
import org.transhume.engine.guest.SyntheticGuest;
import org.transhume.engine.incoming.IncomingConfig;
import org.transhume.engine.incoming.IncomingMigration;
import org.transhume.engine.incoming.IncomingReport;
import org.transhume.engine.incoming.PostcopyArrival;
import org.transhume.engine.outgoing.Dialer;
import org.transhume.engine.outgoing.OutgoingConfig;
import org.transhume.engine.outgoing.OutgoingMigration;
import org.transhume.engine.outgoing.OutgoingReport;
import org.transhume.engine.outgoing.PostcopyTerms;
import org.transhume.memory.GuestMemory;

/** In postcopy, the word was given, and the guest does not start where it arrived: it goes on where it was, and is not waited for. */
@Timeout(60)
class GivesBackAGuestThatCannotStartTest {
    private static final int LIMIT_SECONDS = 20;

    @RegisterExtension
    final NothingLeft nothingLeft = new NothingLeft();

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void itRunsOnAtItsSource(boolean handover) throws Exception {
        try (SyntheticGuest guest =
                        Guests.source("transhume-1.0", LosesConnectionsTest.RAM, "marks", "uniform:rate=20000");
                SyntheticGuest there = Guests.empty("transhume-1.0", LosesConnectionsTest.RAM, true)) {
            guest.resume();
            Unstartable arriving = new Unstartable(there);
            Listener listener = Connections.listen(new Address.Tcp("127.0.0.1", 0));
            IncomingConfig taking = IncomingConfig.DEFAULT
                    .withShared(handover ? Set.of(Extensions.HANDOVER) : Set.of())
                    .withPostcopy(new PostcopyArrival(false, true, false, null));
            Address address = listener.address();
            IncomingMigration in =
                    IncomingMigration.start(arriving, listener, taking, new MigrationObserver() {}, "in");
            OutgoingConfig sending = OutgoingConfig.builder()
                    .downtimeLimit(Duration.ZERO)
                    .returnPath(true)
                    .handover(handover)
                    .postcopy(new PostcopyTerms(false, false, 0, null))
                    .build();
            CompletableFuture<OutgoingMigration> started = new CompletableFuture<>();
            OutgoingMigration out = OutgoingMigration.start(
                    guest,
                    Dialer.to(address),
                    sending,
                    new MigrationObserver() {
                        @Override
                        public void state(MigrationState state) {
                            if (state instanceof MigrationState.Active) {
                                started.join().startPostcopy();
                            }
                        }
                    },
                    "out");
            started.complete(out);

            OutgoingReport left = out.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);
            IncomingReport arrived = in.completion().get(LIMIT_SECONDS, TimeUnit.SECONDS);

            assertEquals("failed", left.outcome());
            assertFalse(
                    assertInstanceOf(MigrationState.Failed.class, out.state()).ownershipUnknown(), left.reason());
            assertEquals("failed", arrived.outcome());
            assertEquals("no room to run it", arrived.reason());
            assertEquals(1, arriving.abandoned.get());
            assertFalse(there.running());
            Guests.assertRunsOn(guest, left.reason());
        }
    }

    /** Takes everything, and then cannot run. */
    private static final class Unstartable implements IncomingGuest {
        final AtomicInteger abandoned = new AtomicInteger();
        private final SyntheticGuest guest;

        Unstartable(SyntheticGuest guest) {
            this.guest = guest;
        }

        @Override
        public GuestMemory accept(String machine, List<BlockEntry> blocks) {
            return guest.accept(machine, blocks);
        }

        @Override
        public boolean fresh() {
            return guest.fresh();
        }

        @Override
        public void missing(ArrivingPages pages) {
            guest.missing(pages);
        }

        @Override
        public void whole() {
            guest.whole();
        }

        @Override
        public void abandoned() {
            abandoned.incrementAndGet();
            guest.abandoned();
        }

        @Override
        public void load(DeviceTail devices) {
            guest.load(devices);
        }

        @Override
        public void start() {
            throw new MigrationException("no room to run it");
        }
    }
}
