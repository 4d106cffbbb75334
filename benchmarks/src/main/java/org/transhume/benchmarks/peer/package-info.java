/**
 * Processes under measurement, a QEMU or a Transhume, driven alike over QMP and looked at from outside, through {@code /proc}.
 * <pre>
 *   MeasuredProcess 1 ── 1..* MigrationEnd 1 ── 1 GuestRam
 *     CPU, memory              QMP               bytes of its guest, through /proc/PID
 * </pre>
 */
package org.transhume.benchmarks.peer;
