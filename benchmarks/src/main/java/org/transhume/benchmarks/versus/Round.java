package org.transhume.benchmarks.versus;

import java.util.Optional;

/**
 * One turn of each.
 *
 * @param qemu empty if there is none
 * @param fresh Transhume's in processes that have just started
 * @param warm of a second guest, in the same two processes
 */
record Round(Optional<Trial> qemu, Trial fresh, Trial warm) {}
