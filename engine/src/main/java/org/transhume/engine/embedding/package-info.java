/**
 * Where a program that embeds the engine begins: {@link org.transhume.engine.embedding.Migration} names the guest, the other
 * side and what differs from the usual, and starts. Everything behind it can be used by itself.
 *
 * <pre>
 *   Migration.outgoing(guest).to(uri) ─► Dialer, OutgoingConfig ─► outgoing.OutgoingMigration
 *   Migration.incoming(guest).at(uri) ─► Listener, IncomingConfig ─► incoming.IncomingMigration
 * </pre>
 */
package org.transhume.engine.embedding;
