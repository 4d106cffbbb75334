package org.transhume.engine;

import java.util.ArrayList;
import java.util.List;

/** The threads of one migration, with names of one kind; each tells its Linux thread id while it runs. Any thread. */
public final class Crew {
    private final String name;
    private final List<Member> running = new ArrayList<>(); // guarded by itself

    /**
     * A thread that runs.
     *
     * @param id as {@code gettid} gives it, and {@code /proc/PID/task} lists it
     */
    public record Member(String name, long id) {}

    /** @param name begins the name of each thread */
    public Crew(String name) {
        this.name = name;
    }

    /** Starts a thread called by the crew's name alone. */
    public Thread start(Runnable work) {
        return begin(name, work);
    }

    /** Starts a thread for {@code part} of the work, which its name tells. */
    public Thread start(String part, Runnable work) {
        return begin(name + " " + part, work);
    }

    private Thread begin(String full, Runnable work) {
        return Thread.ofPlatform().daemon().name(full).start(() -> {
            Member self = new Member(full, Threads.id());
            synchronized (running) {
                running.add(self);
            }
            try {
                work.run();
            } finally {
                synchronized (running) {
                    running.remove(self);
                }
            }
        });
    }

    /** Those that run now, in the order in which they began. */
    public List<Member> running() {
        synchronized (running) {
            return List.copyOf(running);
        }
    }
}
