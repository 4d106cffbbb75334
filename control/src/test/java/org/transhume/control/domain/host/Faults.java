package org.transhume.control.domain.host;

import java.util.function.Supplier;
import org.transhume.control.domain.BeginReply;
import org.transhume.control.domain.Cookie;
import org.transhume.control.domain.DomainDefinition;
import org.transhume.control.domain.FinishReply;
import org.transhume.control.domain.Host;
import org.transhume.control.domain.HostConnection;
import org.transhume.control.domain.HostId;
import org.transhume.control.domain.JobId;
import org.transhume.control.domain.PerformReply;
import org.transhume.control.domain.PrepareReply;
import org.transhume.control.domain.Verdict;
import org.transhume.control.domain.error.HostLostException;
import org.transhume.control.domain.error.MigrationFailedException;
import org.transhume.control.domain.spec.MigrationSpec;

/** A host behind a network that breaks at one word. */
final class Faults implements Host {
    /** What becomes of a call. */
    private enum Fault {
        /** It is not heard, nor is any later one, and the host sees the connection break. */
        GONE,
        /** It is done, but its answer is lost with the connection. */
        UNHEARD,
        /** It is lost, and the host does not notice. */
        LOST,
        /** The host notices that the connection broke, before the call. */
        BROKEN,
        REFUSED
    }

    private final Host host;
    private volatile String at = "";
    private volatile Fault fault;
    private volatile boolean gone;
    private volatile Runnable first;

    Faults(Host host) {
        this.host = host;
    }

    void lostFrom(String call) {
        set(call, Fault.GONE);
    }

    void loseOnce(String call, boolean done) {
        set(call, done ? Fault.UNHEARD : Fault.LOST);
    }

    void closeOnce(String call) {
        set(call, Fault.BROKEN);
    }

    void refuseOnce(String call) {
        set(call, Fault.REFUSED);
    }

    void before(String call, Runnable action) {
        first = action;
        at = call;
    }

    private void set(String call, Fault what) {
        fault = what;
        at = call;
    }

    @Override
    public HostId id() {
        return host.id();
    }

    @Override
    public HostConnection connect() {
        return at("connect", null, () -> new Broken(host.connect()));
    }

    private <T> T at(String call, HostConnection connection, Supplier<T> calls) {
        if (gone) {
            throw lost();
        }
        if (!call.equals(at)) {
            return calls.get();
        }
        if (first != null) {
            at = "";
            first.run();
            return calls.get();
        }
        at = "";
        switch (fault) {
            case GONE -> {
                gone = true;
                if (connection != null) {
                    connection.close();
                }
                throw lost();
            }
            case UNHEARD -> {
                T _ = calls.get();
                throw lost();
            }
            case LOST -> throw lost();
            case BROKEN -> {
                connection.close();
                throw lost();
            }
            case REFUSED -> throw MigrationFailedException.atDestination("refused on purpose", null);
        }
        throw new AssertionError(fault);
    }

    private static HostLostException lost() {
        return new HostLostException("the network broke on purpose", null);
    }

    private final class Broken extends Forwarding {
        private final HostConnection to;

        Broken(HostConnection to) {
            super(to);
            this.to = to;
        }

        @Override
        public BeginReply begin(String domain, MigrationSpec spec) {
            return at("begin", to, () -> super.begin(domain, spec));
        }

        @Override
        public PrepareReply prepare(JobId job, DomainDefinition definition, MigrationSpec spec, Cookie fromBegin) {
            return at("prepare", to, () -> super.prepare(job, definition, spec, fromBegin));
        }

        @Override
        public PerformReply perform(JobId job, String uri, Cookie fromPrepare) {
            return at("perform", to, () -> super.perform(job, uri, fromPrepare));
        }

        @Override
        public FinishReply finish(JobId job, Cookie fromPerform, boolean cancelled) {
            return at("finish", to, () -> super.finish(job, fromPerform, cancelled));
        }

        @Override
        public void confirm(JobId job, Cookie fromFinish, Verdict verdict) {
            at("confirm", to, () -> {
                super.confirm(job, fromFinish, verdict);
                return true;
            });
        }
    }
}
