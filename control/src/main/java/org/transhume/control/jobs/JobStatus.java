package org.transhume.control.jobs;

import java.util.Arrays;
import java.util.Locale;
import org.transhume.control.qmp.ArgumentType;

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

    static final ArgumentType TYPE = new ArgumentType.Choice(
            Arrays.stream(values()).map(JobStatus::wireName).toList());

    String wireName() {
        return name().toLowerCase(Locale.ROOT);
    }
}
