/**
 * Migrations: where memory, codec and channels meet. Start at {@link org.transhume.engine.OutgoingMigration} and
 * {@link org.transhume.engine.IncomingMigration}; an embedder implements {@link org.transhume.engine.Guest} and
 * {@link org.transhume.engine.IncomingGuest}.
 * <pre>
 *   Guest ── OutgoingMigration ── scanner ─ LaneGroup ─ lane 0..n-1 ═══ channels ═══ lane 0..n-1 ── IncomingMigration ── IncomingGuest
 *              outgoing/           one thread   ring or inline                         one thread each    incoming/
 * </pre>
 * Nothing here is static: any number of migrations may run in one JVM. Sizes are bytes, times nanoseconds unless a name says
 * otherwise.
 */
package org.transhume.engine;
