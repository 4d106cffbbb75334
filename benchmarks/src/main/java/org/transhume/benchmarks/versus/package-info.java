/**
 * The same work on two QEMUs and on two Transhumes. Start at {@link org.transhume.benchmarks.versus.VersusQemu}.
 * <pre>
 *   VersusQemu ──► Work × Side ──► Pair: two fresh processes ──► Trial ──► Comparison ──► table, JSON, chart
 *              └─► Limits: what this machine can do at all
 * </pre>
 */
package org.transhume.benchmarks.versus;
