package org.transhume.engine.counters;

import org.agrona.concurrent.status.CountersReader;

/**
 * The counters file: a header, then Agrona's records of names and of values. Written and read on the same host, so in its byte
 * order.
 * <pre>
 *   0      8        12      16    24        32             4096       + 512 each     + 128 each
 *   |magic |version |counters|pid |sequence |last publication|...|     names          | values |
 * </pre>
 * The sequence is odd while values are being written, and grows with every publication. A key of Agrona's is
 * <pre>
 *   0          8     12       16           20    112
 *   |migration |side |channel |name length |name |
 * </pre>
 */
final class CountersLayout {
    /** Of the memfd: what a reader looks for in /proc/PID/fd. */
    static final String FILE_NAME = "transhume-counters";

    static final long MAGIC = 0x5452_4853_434e_5431L; // TRHSCNT1
    static final int VERSION = 1;
    /** Room for seven migrations of 255 channels; memory is taken only by those that are used. */
    static final int CAPACITY = 4096;

    static final int MAGIC_AT = 0;
    static final int VERSION_AT = 8;
    static final int CAPACITY_AT = 12;
    static final int PID_AT = 16;
    static final int SEQUENCE_AT = 24;
    /** {@link System#currentTimeMillis} at the end of it. */
    static final int PUBLISHED_AT = 32;

    static final int NAMES_AT = 4096;
    static final int NAMES_BYTES = CAPACITY * CountersReader.METADATA_LENGTH;
    static final int VALUES_AT = NAMES_AT + NAMES_BYTES;
    static final int VALUES_BYTES = CAPACITY * CountersReader.COUNTER_LENGTH;
    static final int BYTES = VALUES_AT + VALUES_BYTES;

    static final int KEY_MIGRATION = 0;
    static final int KEY_SIDE = 8;
    static final int KEY_CHANNEL = 12;
    static final int KEY_NAME_LENGTH = 16;
    static final int KEY_NAME = 20;
    static final int MAX_NAME = CountersReader.MAX_KEY_LENGTH - KEY_NAME;
    /** In place of a channel where the counter is one of the migration's. */
    static final int NO_CHANNEL = Integer.MIN_VALUE;

    private CountersLayout() {}
}
