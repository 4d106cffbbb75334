package org.transhume.control.domain.host;

import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.transhume.control.domain.BeginReply;
import org.transhume.control.domain.Cookie;
import org.transhume.control.domain.Destination;
import org.transhume.control.domain.Domain;
import org.transhume.control.domain.DomainDefinition;
import org.transhume.control.domain.DomainEvent;
import org.transhume.control.domain.DomainId;
import org.transhume.control.domain.DomainState;
import org.transhume.control.domain.EventOrigin;
import org.transhume.control.domain.EventStream;
import org.transhume.control.domain.Host;
import org.transhume.control.domain.LifecycleEvent;
import org.transhume.control.domain.MigrationJob;
import org.transhume.control.domain.error.IllegalMigrationException;
import org.transhume.control.domain.error.JobConflictException;
import org.transhume.control.domain.error.NotRecoverableException;
import org.transhume.control.domain.error.UnsafeMigrationException;
import org.transhume.control.domain.error.UnsupportedCapabilityException;
import org.transhume.control.domain.spec.Bandwidth;
import org.transhume.control.domain.spec.MigrationFlag;
import org.transhume.control.domain.spec.MigrationParameter;
import org.transhume.control.domain.spec.MigrationSpec;
import org.transhume.control.domain.stats.JobStats;
import org.transhume.control.guest.GuestRuntime;
import org.transhume.control.guest.MigrationControl;
import org.transhume.control.guest.RunState;
import org.transhume.control.settings.Parameter;
import org.transhume.control.settings.SettingRefusedException;

/** A domain of this process. */
final class GuestDomain implements Domain {
    private final LocalHost host;
    private final DomainId id;
    private final DomainDefinition definition;
    private final Place place; // null for one that is defined, and no more
    private final EventPublisher events;
    private final AtomicReference<JobStats> completed = new AtomicReference<>();

    private volatile DomainState state;
    private volatile DomainJob job; // set under this
    private volatile Bandwidth stored;
    private volatile String unsafe;

    GuestDomain(LocalHost host, DomainId id, DomainDefinition definition, Place place, DomainState state) {
        this.host = host;
        this.id = id;
        this.definition = definition;
        this.place = place;
        this.state = state;
        this.events = host.publisher(id.name());
    }

    LocalHost host() {
        return host;
    }

    GuestRuntime runtime() {
        return place.runtime();
    }

    MigrationControl control() {
        return place.control();
    }

    @Override
    public DomainId id() {
        return id;
    }

    /** What its operators did over QMP counts, too. */
    @Override
    public DomainState state() {
        DomainState known = state;
        if (job != null || place == null) {
            return known;
        }
        return switch (place.runtime().state()) {
            case RUNNING -> known.kind() == DomainState.Kind.RUNNING ? known : DomainState.RUNNING_UNPAUSED;
            case PAUSED -> known.kind() == DomainState.Kind.PAUSED ? known : DomainState.PAUSED_USER;
            case PRELAUNCH -> DomainState.PAUSED_STARTING_UP;
            case INMIGRATE, FINISH_MIGRATE, POSTMIGRATE, SAVE_VM, RESTORE_VM -> known;
        };
    }

    /** Without an event. */
    void state(DomainState next) {
        state = next;
    }

    void becomes(DomainState next, Function<EventOrigin, DomainEvent> event) {
        state = next;
        publish(event);
    }

    void publish(Function<EventOrigin, DomainEvent> event) {
        events.publish(id, event);
    }

    @Override
    public EventStream events() {
        return events;
    }

    @Override
    public Optional<MigrationJob> job() {
        return Optional.ofNullable(job);
    }

    Optional<DomainJob> currentJob() {
        return Optional.ofNullable(job);
    }

    /** Why moving it may lose data; null: it does not. */
    void unsafe(String why) {
        unsafe = why;
    }

    /** Its job; the host knows it afterwards. */
    synchronized SourceJob begin(MigrationSpec spec) {
        spec.requireBuilt();
        if (job != null) {
            throw new JobConflictException(
                    "domain '%s' has a job already: wait for its end, or abort it".formatted(id.name()));
        }
        if (spec.has(MigrationFlag.OFFLINE)) {
            if (host.definitions().find(id.name()).isEmpty()) {
                throw new IllegalMigrationException(
                        "offline-needs-definition",
                        "flag OFFLINE: domain '%s' has no stored definition".formatted(id.name()));
            }
        } else {
            checkRuns();
        }
        if (unsafe != null && !spec.has(MigrationFlag.UNSAFE)) {
            throw new UnsafeMigrationException(unsafe + ": flag UNSAFE migrates all the same");
        }
        spec.text(MigrationParameter.DESTINATION_XML)
                .ifPresent(text -> DefinitionText.changed(definition, "destination_xml", text));
        spec.text(MigrationParameter.PERSISTENT_XML)
                .ifPresent(text -> DefinitionText.changed(definition, "persistent_xml", text));
        if (state().kind() == DomainState.Kind.PAUSED && !spec.has(MigrationFlag.OFFLINE)) {
            MigrationSpec _ = spec.with(MigrationFlag.PAUSED); // it will be, and must be able to
        }
        SourceJob begun = new SourceJob(this, spec);
        state = state();
        job = begun;
        begun.begun();
        return begun;
    }

    private void checkRuns() {
        if (place == null || state().kind() == DomainState.Kind.SHUTOFF) {
            throw new IllegalStateException("domain '%s' is not running".formatted(id.name()));
        }
        if (place.runtime().state() == RunState.POSTMIGRATE) {
            throw new IllegalStateException(
                    "domain '%s' may run elsewhere: find out, then use cont on the side that shall own it"
                            .formatted(id.name()));
        }
    }

    BeginReply reply(SourceJob begun) {
        DomainDefinition own = begun.spec
                .text(MigrationParameter.DESTINATION_XML)
                .map(text -> DefinitionText.changed(definition, "destination_xml", text))
                .orElse(definition);
        Cookie cookie = new Cookie(java.util.List.of(new Cookie.Section(
                DestinationJob.PERSISTENT,
                false,
                host.definitions().find(id.name()).orElse(definition).text())));
        return new BeginReply(begun.id(), own, begun.stands(), cookie, host.now());
    }

    synchronized void arrives(DestinationJob arriving) {
        job = arriving;
    }

    /** @param figures of a job that completed */
    synchronized void jobEnded(DomainJob ended, Optional<JobStats> figures) {
        if (job == ended) {
            completed.set(figures.orElse(null));
            job = null;
        }
    }

    /** The guest is at its destination. */
    void left(boolean undefine) {
        if (undefine && host.definitions().undefine(id.name()).isPresent()) {
            publish(LifecycleEvent.Undefined::new);
        }
        if (host.definitions().find(id.name()).isEmpty()) {
            host.forget(this);
        }
    }

    /** The guest did not arrive. */
    void destroyed(Place vacated) {
        host.forget(this);
        if (vacated != null) {
            host.offer(vacated);
        }
    }

    @Override
    public MigrationJob migrate(Destination to, MigrationSpec spec) {
        return switch (to) {
            case Destination.Connected(Host other) -> {
                if (spec.has(MigrationFlag.PEER2PEER)) {
                    throw new IllegalMigrationException(
                            "peer2peer-needs-uri", "flag PEER2PEER needs a destination given by its URI");
                }
                yield host.drive(this, other::connect, spec);
            }
            case Destination.Peer(String uri) ->
                host.drive(this, () -> host.dial(uri), spec.with(MigrationFlag.PEER2PEER));
            case Destination.Direct _ -> {
                if (spec.text(MigrationParameter.MIGRATE_URI).isEmpty()) {
                    throw new IllegalMigrationException(
                            "direct-needs-migrate-uri", "a direct migration needs migrate_uri");
                }
                throw new UnsupportedCapabilityException(
                        "direct migration is not built into this version of Transhume: give the URI of the other host");
            }
        };
    }

    @Override
    public MigrationJob resumePostCopy(Destination to, MigrationSpec spec) {
        throw new NotRecoverableException("domain '%s' has no migration that broke in post-copy".formatted(id.name()));
    }

    @Override
    public synchronized Optional<JobStats> takeCompletedStats() {
        return job != null ? Optional.empty() : Optional.ofNullable(completed.getAndSet(null));
    }

    @Override
    public synchronized Optional<JobStats> peekCompletedStats() {
        return job != null ? Optional.empty() : Optional.ofNullable(completed.get());
    }

    @Override
    public synchronized void maxBandwidth(Bandwidth cap) {
        if (job != null) {
            job.maxBandwidth(cap);
        }
        stored = cap;
    }

    @Override
    public Bandwidth maxBandwidth() {
        if (job != null || stored == null) {
            return place == null
                    ? Bandwidth.UNLIMITED
                    : Bandwidth.ofBytes(control().settings().size(Parameter.MAX_BANDWIDTH));
        }
        return stored;
    }

    Optional<Bandwidth> storedBandwidth() {
        return Optional.ofNullable(stored);
    }

    /** Sets a parameter of the guest itself, for this job and the next ones. */
    void set(Parameter parameter, long value) {
        if (place == null) {
            throw new IllegalStateException("domain '%s' is not running".formatted(id.name()));
        }
        try {
            control().setParameters(java.util.Map.of(parameter, value));
        } catch (SettingRefusedException e) {
            throw new IllegalArgumentException(e.getMessage(), e);
        }
    }
}
