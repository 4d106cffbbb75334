/**
 * Has it become slower? Answered on machines that do other things at the same time, by ratios within one run and never by seconds. Start at
 * {@link org.transhume.benchmarks.guard.RegressionGuard}.
 * <pre>
 *   kernels:  copy, kernel, copy, kernel, ...  CPU time of one thread   median ratio ≥ its floor (kernels.csv)
 *   releases: old, new, old, new, ...          a process each           median ratio ≥ 0.85, or a sign test that says it may be chance
 * </pre>
 */
package org.transhume.benchmarks.guard;
