package org.transhume.control.jobs;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.function.BiConsumer;
import java.util.regex.Pattern;
import org.transhume.control.qmp.QmpError;
import org.transhume.engine.Threads;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;

/** The jobs of one process: each has a thread, and stays listed until it is dismissed. Any thread. */
public final class Jobs implements AutoCloseable {
    private static final Logger LOG = System.getLogger(Jobs.class.getName());
    private static final Pattern ID = Pattern.compile("[A-Za-z][A-Za-z0-9._-]*");

    /** What a job does. */
    @FunctionalInterface
    public interface Work {
        /** @throws QmpError if the job fails; the text is shown with it */
        void run() throws QmpError;
    }

    /**
     * A job as a client sees it.
     *
     * @param error why it failed; null if it did not
     */
    record Job(String id, String type, JobStatus status, String error) {
        Job in(JobStatus next) {
            return new Job(id, type, next, error);
        }

        Job because(String reason) {
            return new Job(id, type, status, reason);
        }

        boolean concluded() {
            return status == JobStatus.CONCLUDED;
        }
    }

    private final BiConsumer<String, JsonNode> events;
    private final SequencedMap<String, Job> jobs = new LinkedHashMap<>(); // guarded by this
    private final Map<String, Thread> threads = new HashMap<>(); // guarded by this

    /** @param events hears JOB_STATUS_CHANGE with its data */
    public Jobs(BiConsumer<String, JsonNode> events) {
        this.events = events;
    }

    /**
     * Begins a job; it is running when this returns, and goes on in a thread of its own.
     *
     * @param type the command that began it
     * @throws QmpError if {@code id} is none, or is in use
     */
    public synchronized void begin(String id, String type, Work work) throws QmpError {
        if (!ID.matcher(id).matches()) {
            throw new QmpError("Invalid job ID '" + id + "'");
        }
        if (jobs.containsKey(id)) {
            throw new QmpError("Job ID '" + id + "' already in use");
        }
        enter(new Job(id, type, JobStatus.CREATED, null), JobStatus.CREATED);
        enter(jobs.get(id), JobStatus.RUNNING);
        threads.put(id, Thread.ofPlatform().daemon().name(type).start(() -> run(id, work)));
    }

    private void run(String id, Work work) {
        String error = null;
        try {
            work.run();
        } catch (QmpError refused) {
            error = refused.getMessage();
        } catch (RuntimeException bug) {
            LOG.log(Level.ERROR, "job " + id + " failed unexpectedly", bug);
            error = "Internal error in job " + id + ": " + bug;
        }
        conclude(id, error);
    }

    private synchronized void conclude(String id, String error) {
        List<JobStatus> way = error == null
                ? List.of(JobStatus.WAITING, JobStatus.PENDING, JobStatus.CONCLUDED)
                : List.of(JobStatus.ABORTING, JobStatus.CONCLUDED);
        way.forEach(next -> enter(jobs.get(id).because(error), next));
    }

    private void enter(Job job, JobStatus next) {
        jobs.put(job.id, job.in(next));
        events.accept(
                "JOB_STATUS_CHANGE",
                JsonNodeFactory.instance
                        .objectNode()
                        .put("status", next.wireName())
                        .put("id", job.id));
    }

    /**
     * Forgets a job that has concluded.
     *
     * @throws QmpError if there is none, or it has not
     */
    synchronized void dismiss(String id) throws QmpError {
        Job job = jobs.get(id);
        if (job == null) {
            throw new QmpError("Job not found");
        }
        if (!job.concluded()) {
            throw new QmpError(
                    "Job '%s' in state '%s' cannot accept command verb 'dismiss'".formatted(id, job.status.wireName()));
        }
        enter(job, JobStatus.NULL);
        jobs.remove(id);
        threads.remove(id);
    }

    /** The latest first. */
    synchronized List<Job> all() {
        return List.copyOf(jobs.sequencedValues().reversed());
    }

    /** Waits until none runs any more. */
    @Override
    public void close() {
        List<Thread> running;
        synchronized (this) {
            running = List.copyOf(threads.values());
        }
        running.forEach(Threads::join);
    }
}
