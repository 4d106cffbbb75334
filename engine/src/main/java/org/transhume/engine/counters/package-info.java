/**
 * What a migration counts, and how another process reads it. Start at {@link org.transhume.engine.counters.Counter}, the one
 * table of all of them.
 * <pre>
 *   migration.counters() ──► CounterValues ──► CountersFile ═══ sealed memfd ═══ CountersReading ──► another process
 *                            one look          once in 100 ms                     plain reads
 * </pre>
 * A migration counts where it happens and keeps one number for each thing; what is here only reads (docs/decisions/0011).
 */
package org.transhume.engine.counters;
