/**
 * Random migrations, one after the other, for as long as one likes: each with its own guest, settings and fault, all drawn from
 * (seed, index), and after each the same questions. Start at {@link org.transhume.control.soak.Soak}.
 *
 * <pre>
 *   Soak ─► Trial (drawn) ─► LoopbackTrial    both sides here, over FaultyLinks
 *                       └──► ProcessTrial     two child processes, of which one is killed
 *               each gives a TrialResult:     Ownership, RamEquality
 *   behind each:                              Footprint, HeapTrend
 * </pre>
 *
 * Sizes are bytes, times milliseconds unless a name says otherwise.
 */
package org.transhume.control.soak;
