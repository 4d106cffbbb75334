package org.transhume.control.jobs;

import java.util.Locale;

/** Where a job is; those that jobs of this kind pass (spec: control.md §2.4). */
enum JobStatus {
    CREATED,
    RUNNING,
    WAITING,
    PENDING,
    ABORTING,
    CONCLUDED,
    /** Dismissed: only its event tells of it. */
    NULL;

    String wireName() {
        return name().toLowerCase(Locale.ROOT);
    }
}
