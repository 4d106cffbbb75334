package org.transhume.engine;

import org.transhume.memory.Lease;

/**
 * Virtual CPUs whose writes are counted one by one, and each of which can be slowed by itself. A vCPU notes the pages it
 * writes in a ring of its own; a page that is in a ring is not noted again until that ring was emptied, which happens when it
 * is full and when somebody asks. vCPUs are numbered from 0. Any thread.
 */
public interface VcpuRings {
    int vcpus();

    /** Pages that one ring holds. */
    int ringPages();

    /** Counts from when this returns until the last of these is closed. */
    Lease count();

    /** Pages that {@code vcpu} noted since it was made; grows while somebody counts. */
    long dirtied(int vcpu);

    /** Has every vCPU empty its ring before its next write, so that a page it writes again is counted again. */
    void reap();

    /** Has {@code vcpu} sleep for so long each time its ring is full, 0 and up; a sleep that has begun goes on as it was. */
    void sleep(int vcpu, long micros);

    /** Lets {@code vcpu} run, at once if it sleeps. */
    void release(int vcpu);
}
