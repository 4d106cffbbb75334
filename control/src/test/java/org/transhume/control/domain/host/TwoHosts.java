package org.transhume.control.domain.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.ValueLayout;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.transhume.control.domain.Domain;
import org.transhume.control.domain.DomainEvent;
import org.transhume.control.domain.HostConnection;
import org.transhume.control.domain.HostId;
import org.transhume.control.domain.JobEvent;
import org.transhume.control.domain.LifecycleEvent;
import org.transhume.control.domain.MigrationJob;
import org.transhume.control.domain.MigrationResult;
import org.transhume.control.guest.EventOrder;
import org.transhume.control.guest.GuestRuntime;
import org.transhume.control.guest.MigrationControl;
import org.transhume.control.guest.RunState;
import org.transhume.control.settings.Profile;
import org.transhume.control.settings.Settings;
import org.transhume.engine.Guest;
import org.transhume.engine.IncomingGuest;
import org.transhume.engine.guest.SyntheticGuest;
import org.transhume.engine.guest.WorkloadSpec;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.RamBlock;
import org.transhume.memory.WriterMarks;

/** Two hosts of this process: domain {@code vm} runs on one, a guest waits on the other. Nothing else knows of them. */
public final class TwoHosts implements AutoCloseable {
    static final Duration LIMIT = Duration.ofSeconds(20);
    static final long RAM = 2 << 20;

    final DefinitionsInMemory definitions = new DefinitionsInMemory();
    public final LocalHost source;
    public final LocalHost destination;
    public final Machine leaving;
    public final Machine arriving;
    public final Domain vm;

    private final List<DomainEvent> atSource = Collections.synchronizedList(new ArrayList<>());
    private final List<DomainEvent> atDestination = Collections.synchronizedList(new ArrayList<>());

    /** A guest of its own. */
    public static final class Machine {
        final SyntheticGuest synthetic;
        public final GuestRuntime runtime;
        public final MigrationControl control;
        /** The name of a method of the guest that fails from here on; null: none. */
        public volatile String fails;

        Machine(String workload, boolean arrives) {
            GuestMemory memory = new GuestMemory(List.of(RamBlock.memfd(SyntheticGuest.BLOCK, RAM)));
            synthetic = new SyntheticGuest(
                    SyntheticGuest.MACHINE, memory, new WriterMarks(memory), WorkloadSpec.parse(workload), true, null);
            Whole whole = whole();
            Settings settings = new Settings(Profile.V10_0);
            EventOrder events = new EventOrder(settings, (_, _) -> {});
            runtime = new GuestRuntime(
                    whole, whole, synthetic::ranAtSource, arrives ? RunState.INMIGRATE : RunState.PRELAUNCH, events);
            control = new MigrationControl(
                    runtime,
                    settings,
                    arrives ? MigrationControl.Incoming.DEFERRED : MigrationControl.Incoming.NONE,
                    events);
            if (!arrives) {
                synthetic.fill();
            }
        }

        private Whole whole() {
            Class<?>[] as = {Whole.class};
            return (Whole) Proxy.newProxyInstance(Whole.class.getClassLoader(), as, (_, method, arguments) -> {
                if (method.getName().equals(fails)) {
                    throw new IllegalStateException(method.getName() + " failed on purpose");
                }
                try {
                    return method.invoke(synthetic, arguments);
                } catch (InvocationTargetException e) {
                    throw e.getCause();
                }
            });
        }

        public boolean runs() {
            return runtime.state() == RunState.RUNNING;
        }

        byte[] ram() {
            return synthetic.memory().blocks().getFirst().segment().toArray(ValueLayout.JAVA_BYTE);
        }

        void close() {
            control.close();
            synthetic.close();
        }
    }

    /** What leaves and arrives. */
    public interface Whole extends Guest, IncomingGuest {}

    public TwoHosts() {
        this("idle:ws=1M");
    }

    public TwoHosts(String workload) {
        leaving = new Machine(workload, false);
        arriving = new Machine("idle", true);
        source = new LocalHost(new HostId("source"), definitions, "127.0.0.1", this::dial);
        destination = new LocalHost(new HostId("destination"), new DefinitionsInMemory(), "127.0.0.1", this::dial);
        source.events().subscribe(atSource::add);
        destination.events().subscribe(atDestination::add);
        leaving.runtime.cont();
        vm = source.define("vm", Optional.empty(), leaving.runtime, leaving.control);
        destination.offer(arriving.runtime, arriving.control);
    }

    private HostConnection dial(String uri) {
        assertEquals("tcp:destination", uri);
        return destination.connect();
    }

    public MigrationResult ended(MigrationJob job) throws Exception {
        return job.result().toCompletableFuture().get(LIMIT.toSeconds(), TimeUnit.SECONDS);
    }

    /** The guest of {@code machine} stands while its RAM is compared with what the other has. */
    public void assertRamIsEqual() {
        org.junit.jupiter.api.Assertions.assertArrayEquals(leaving.ram(), arriving.ram());
    }

    /** Waits until the events are told, each as {@code Suspended/MIGRATED}; phases and failures are left out. */
    public void awaitAtSource(String... expected) throws Exception {
        awaitEvents(atSource, expected);
    }

    public void awaitAtDestination(String... expected) throws Exception {
        awaitEvents(atDestination, expected);
    }

    /** The job has ended, so the last of them is the source's {@code JobFailed}, which comes behind all others. */
    List<String> wordsAtSource() throws Exception {
        await(() -> "last event", () -> failed(atSource));
        return words(atSource);
    }

    List<String> wordsAtDestination() throws Exception {
        await(() -> "last event", () -> atDestination.isEmpty() || failed(atDestination));
        return words(atDestination);
    }

    private static boolean failed(List<DomainEvent> heard) {
        return List.copyOf(heard).stream().anyMatch(JobEvent.JobFailed.class::isInstance);
    }

    private static void awaitEvents(List<DomainEvent> heard, String... expected) throws Exception {
        List<String> wanted = List.of(expected);
        await(
                () -> "events " + wanted + ", but got " + words(heard),
                () -> words(heard).equals(wanted));
    }

    private static List<String> words(List<DomainEvent> heard) {
        List<String> words = new ArrayList<>();
        for (DomainEvent event : List.copyOf(heard)) {
            String word = word(event);
            // How many passes there are is the guest's business.
            boolean again = word.equals("Iteration")
                    && !words.isEmpty()
                    && words.getLast().equals(word);
            if (!word.isEmpty() && !again) {
                words.add(word);
            }
        }
        return words;
    }

    private static String word(DomainEvent event) {
        return switch (event) {
            case LifecycleEvent.Defined defined -> "Defined/" + defined.detail();
            case LifecycleEvent.Undefined _ -> "Undefined";
            case LifecycleEvent.Started started -> "Started/" + started.detail();
            case LifecycleEvent.Suspended suspended -> "Suspended/" + suspended.detail();
            case LifecycleEvent.Resumed resumed -> "Resumed/" + resumed.detail();
            case LifecycleEvent.Stopped stopped -> "Stopped/" + stopped.detail();
            case JobEvent.MigrationIteration _ -> "Iteration";
            case JobEvent.JobCompleted _ -> "JobCompleted";
            default -> "";
        };
    }

    public List<DomainEvent> heardAtSource() {
        return List.copyOf(atSource);
    }

    static void await(java.util.function.Supplier<String> what, Callable<Boolean> condition) throws Exception {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (!condition.call()) {
            assertTrue(System.nanoTime() < deadline, () -> "no " + what.get() + " within " + LIMIT);
            LockSupport.parkNanos(1_000_000);
        }
    }

    @Override
    public void close() {
        leaving.close();
        arriving.close();
    }
}
