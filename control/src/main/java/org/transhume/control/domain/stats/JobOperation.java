package org.transhume.control.domain.stats;

import java.util.Arrays;
import java.util.Optional;

/** What started a job, with libvirt's numbers. */
public enum JobOperation {
    UNKNOWN(0, "Unknown"),
    START(1, "Start"),
    SAVE(2, "Save"),
    RESTORE(3, "Restore"),
    MIGRATION_IN(4, "Incoming migration"),
    MIGRATION_OUT(5, "Outgoing migration"),
    SNAPSHOT(6, "Snapshot"),
    SNAPSHOT_REVERT(7, "Snapshot revert"),
    DUMP(8, "Dump"),
    BACKUP(9, "Backup"),
    SNAPSHOT_DELETE(10, "Snapshot delete");

    private final int code;
    private final String word;

    JobOperation(int code, String word) {
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

    public static Optional<JobOperation> of(long code) {
        return Arrays.stream(values()).filter(o -> o.code == code).findFirst();
    }
}
