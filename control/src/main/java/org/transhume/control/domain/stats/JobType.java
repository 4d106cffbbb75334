package org.transhume.control.domain.stats;

import java.util.Arrays;
import java.util.Optional;

/** What becomes of a job, with libvirt's numbers. */
public enum JobType {
    NONE(0, "None"),
    /** It runs, and its end is known: never said of a migration. */
    BOUNDED(1, "Bounded"),
    UNBOUNDED(2, "Unbounded"),
    COMPLETED(3, "Completed"),
    FAILED(4, "Failed"),
    CANCELLED(5, "Cancelled");

    private final int code;
    private final String word;

    JobType(int code, String word) {
        this.code = code;
        this.word = word;
    }

    public int code() {
        return code;
    }

    /** As virsh prints it. */
    public String word() {
        return word;
    }

    public static Optional<JobType> of(long code) {
        return Arrays.stream(values()).filter(t -> t.code == code).findFirst();
    }
}
