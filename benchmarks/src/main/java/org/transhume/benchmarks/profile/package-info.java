/**
 * Where the CPU of a migration goes. {@link org.transhume.benchmarks.profile.ProfileCommand} moves a guest between two processes as
 * users start them, a sampling profiler in each, and {@link org.transhume.benchmarks.profile.CpuTable} sums what came of it:
 * <pre>
 *   stacks ──► by thread, numbers left out      ThreadWork
 *          ──► by what the processor did        CpuKind
 *          ──► by the frame of ours that did it
 * </pre>
 */
package org.transhume.benchmarks.profile;
