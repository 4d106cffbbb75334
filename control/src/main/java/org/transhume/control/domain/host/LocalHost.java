package org.transhume.control.domain.host;

import java.time.Clock;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.function.Supplier;
import org.transhume.channels.Address;
import org.transhume.control.domain.Cookie;
import org.transhume.control.domain.Domain;
import org.transhume.control.domain.DomainDefinition;
import org.transhume.control.domain.DomainId;
import org.transhume.control.domain.DomainState;
import org.transhume.control.domain.EventStream;
import org.transhume.control.domain.Host;
import org.transhume.control.domain.HostConnection;
import org.transhume.control.domain.HostId;
import org.transhume.control.domain.JobId;
import org.transhume.control.domain.MigrationJob;
import org.transhume.control.domain.PrepareReply;
import org.transhume.control.domain.error.DomainException;
import org.transhume.control.domain.error.IllegalMigrationException;
import org.transhume.control.domain.error.JobConflictException;
import org.transhume.control.domain.error.MigrationFailedException;
import org.transhume.control.domain.error.NoSuchDomainException;
import org.transhume.control.domain.spec.MigrationFlag;
import org.transhume.control.domain.spec.MigrationParameter;
import org.transhume.control.domain.spec.MigrationSpec;
import org.transhume.control.guest.GuestRuntime;
import org.transhume.control.guest.MigrationControl;
import org.transhume.control.guest.RunState;
import org.transhume.engine.MigrationException;

/**
 * The domains of this process. Guests are lent: whoever gave them closes them, after the host's connections. Any thread.
 */
public final class LocalHost implements Host {
    /** Jobs that have ended and may still be asked for, by whoever did not hear of it. */
    private static final int REMEMBERED = 64;

    private final HostId id;
    private final DefinitionStore definitions;
    private final String address;
    private final Function<String, HostConnection> dialer;
    private final Clock clock;
    private final EventPublisher.Listeners listeners = new EventPublisher.Listeners();

    private final Map<String, EventPublisher> publishers = new ConcurrentHashMap<>();
    private final Map<String, GuestDomain> domains = new LinkedHashMap<>(); // guarded by this, as are the others
    private final ArrayDeque<Place> places = new ArrayDeque<>();
    private final Map<JobId, DestinationJob> arrivals = new LinkedHashMap<>();
    private long runs;

    /**
     * @param address host name or IP address under which others reach this one, for migrations that name none
     * @param dialer connects to another host's domain service
     */
    public LocalHost(HostId id, DefinitionStore definitions, String address, Function<String, HostConnection> dialer) {
        this.id = id;
        this.definitions = definitions;
        this.address = address;
        this.dialer = dialer;
        this.clock = Clock.systemUTC();
    }

    @Override
    public HostId id() {
        return id;
    }

    @Override
    public HostConnection connect() {
        return new LocalConnection(this, true);
    }

    /** Events of all domains; the numbers are each domain's own. */
    public EventStream events() {
        return listeners;
    }

    /**
     * Makes a guest a domain, and stores its definition.
     *
     * @param definition text to store; empty for one of this host's making
     * @throws JobConflictException if there is a domain with that name
     */
    public synchronized Domain define(
            String name, Optional<String> definition, GuestRuntime runtime, MigrationControl control) {
        if (domains.containsKey(name)) {
            throw new JobConflictException("domain '%s' exists".formatted(name));
        }
        UUID uuid = Optional.ofNullable(runtime.uuid()).orElseGet(UUID::randomUUID);
        DomainDefinition own = definition
                .map(text -> new DomainDefinition(name, uuid, text))
                .orElseGet(() -> DefinitionText.of(name, uuid, runtime.machine()));
        definitions.define(own);
        DomainState state =
                runtime.state() == RunState.RUNNING ? DomainState.RUNNING_BOOTED : DomainState.PAUSED_STARTING_UP;
        return domain(name, own, new Place(runtime, control), state);
    }

    private GuestDomain domain(String name, DomainDefinition definition, Place place, DomainState state) {
        GuestDomain domain =
                new GuestDomain(this, new DomainId(name, definition.uuid(), ++runs), definition, place, state);
        domains.put(name, domain);
        return domain;
    }

    /** Offers a guest that waits for {@code migrate-incoming}, for one domain to arrive in at a time. */
    public void offer(GuestRuntime runtime, MigrationControl control) {
        offer(new Place(runtime, control));
    }

    synchronized void offer(Place place) {
        places.add(place);
    }

    /** Why moving the domain may lose data, which takes the flag UNSAFE from here on; empty: it does not. */
    public void unsafe(String name, Optional<String> why) {
        require(name).unsafe(why.orElse(null));
    }

    public synchronized Optional<Domain> domain(String name) {
        return Optional.ofNullable(domains.get(name));
    }

    /** @throws NoSuchDomainException if there is none */
    synchronized GuestDomain require(String name) {
        GuestDomain domain = domains.get(name);
        if (domain == null) {
            throw new NoSuchDomainException("host '%s' has no domain '%s'".formatted(id.name(), name));
        }
        return domain;
    }

    /** What is defined stays, as a domain that does not run. */
    synchronized void forget(GuestDomain domain) {
        String name = domain.id().name();
        if (domains.remove(name, domain)) {
            definitions.find(name).ifPresent(stored -> domain(name, stored, null, DomainState.SHUTOFF_UNKNOWN));
        }
    }

    public DefinitionStore definitions() {
        return definitions;
    }

    EventPublisher publisher(String name) {
        return publishers.computeIfAbsent(name, _ -> new EventPublisher(id, clock, listeners));
    }

    Instant now() {
        return clock.instant();
    }

    HostConnection dial(String uri) {
        return dialer.apply(uri);
    }

    /** Runs all phases from here. */
    MigrationJob drive(GuestDomain domain, Supplier<HostConnection> destination, MigrationSpec spec) {
        SourceJob job = domain.begin(spec);
        LocalConnection own = new LocalConnection(this, false);
        own.begun(job);
        MigrationCoordinator coordinator = new MigrationCoordinator(own, destination);
        Thread.ofPlatform().daemon().name("migrate " + domain.id().name()).start(() -> {
            try (own) {
                Optional<DomainId> arrived = coordinator.run(domain.reply(job), spec);
                arrived.ifPresent(there -> job.settle(job.completed(there)));
            } catch (DomainException e) {
                job.settle(job.result(e));
            } catch (RuntimeException e) {
                job.settle(job.result(MigrationFailedException.atSource(MigrationException.reasonOf(e), e)));
            }
        });
        return job;
    }

    /** A job that waits for the guest; the connection's from here on. */
    DestinationJob prepare(JobId jobId, DomainDefinition given, MigrationSpec spec, Cookie fromBegin) {
        spec.requireBuilt();
        DestinationJob.check(fromBegin);
        boolean offline = spec.has(MigrationFlag.OFFLINE);
        String name = spec.destinationName().orElse(given.name());
        DomainDefinition definition = name.equals(given.name()) ? given : DefinitionText.renamed(given, name);
        synchronized (this) {
            if (arrivals.containsKey(jobId)) {
                throw new JobConflictException("this migration is prepared already");
            }
            checkFree(name, definition);
            Place place = offline ? null : places.poll();
            if (place == null && !offline) {
                throw new JobConflictException(
                        "no guest of host '%s' waits for one to arrive: start one with guest --incoming defer --host URI"
                                .formatted(id.name()));
            }
            GuestDomain domain = domain(
                    name, definition, place, offline ? DomainState.SHUTOFF_UNKNOWN : DomainState.PAUSED_MIGRATION);
            DestinationJob job = new DestinationJob(domain, jobId, definition, spec, place, fromBegin);
            domain.arrives(job);
            remember(job);
            return job;
        }
    }

    private void checkFree(String name, DomainDefinition definition) {
        GuestDomain there = domains.get(name);
        boolean active = there != null && there.state().kind() != DomainState.Kind.SHUTOFF;
        if (active || (there != null && there.job().isPresent())) {
            throw new JobConflictException("host '%s' has an active domain '%s'".formatted(id.name(), name));
        }
        definitions
                .find(name)
                .filter(stored -> !stored.uuid().equals(definition.uuid()))
                .ifPresent(stored -> {
                    throw new IllegalMigrationException(
                            "name-taken",
                            "host '%s' has a definition '%s' with another UUID, %s"
                                    .formatted(id.name(), name, stored.uuid()));
                });
    }

    private void remember(DestinationJob job) {
        arrivals.values().stream()
                .filter(DestinationJob::ended)
                .findFirst()
                .filter(_ -> arrivals.size() >= REMEMBERED)
                .ifPresent(eldest -> arrivals.remove(eldest.id()));
        arrivals.put(job.id(), job);
    }

    PrepareReply prepared(DestinationJob job) {
        try {
            Optional<String> uri = job.prepare();
            return new PrepareReply(uri, Cookie.EMPTY, now());
        } catch (RuntimeException e) {
            job.neverBegan();
            synchronized (this) {
                arrivals.remove(job.id());
            }
            throw e;
        }
    }

    /** @throws NoSuchDomainException if no such job was prepared here: its guest does not run here then */
    synchronized DestinationJob arrival(JobId job) {
        DestinationJob known = arrivals.get(job);
        if (known == null) {
            throw new NoSuchDomainException("host '%s' knows no such migration".formatted(id.name()));
        }
        return known;
    }

    /** Where to listen. */
    String listenUri(MigrationSpec spec) {
        Optional<Address> given = spec.text(MigrationParameter.MIGRATE_URI).map(MigrationUri::parse);
        Optional<String> listen = spec.text(MigrationParameter.LISTEN_ADDRESS);
        if (given.isPresent() && !(given.get() instanceof Address.Tcp)) {
            return given.get().uri();
        }
        int port = given.map(a -> ((Address.Tcp) a).port()).orElse(0);
        String name = listen.or(() -> given.map(a -> ((Address.Tcp) a).host())).orElse(address);
        return new Address.Tcp(name, port).uri();
    }

    /** How the source gets to {@code listening}. */
    String reachable(Address listening, MigrationSpec spec) {
        if (!(listening instanceof Address.Tcp tcp)) {
            return listening.uri();
        }
        Optional<String> named = spec.text(MigrationParameter.MIGRATE_URI)
                .map(MigrationUri::parse)
                .map(a -> ((Address.Tcp) a).host());
        String wildcard = Set.of("", "0.0.0.0", "::", "0:0:0:0:0:0:0:0").contains(tcp.host()) ? address : tcp.host();
        return new Address.Tcp(named.orElse(wildcard), tcp.port()).uri();
    }
}
