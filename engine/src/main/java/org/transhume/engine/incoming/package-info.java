/**
 * The destination's half. Start at {@link org.transhume.engine.incoming.IncomingMigration}.
 * <pre>
 *   IncomingMigration  phases, answer, failure          one thread, "incoming"
 *     Arrivals         connections, told apart by their first bytes    one thread each, which then reads its channel
 *     MainLoader       main stream ─► RAM, sync points, devices
 *     ChannelLoader    multifd packets ─► RAM
 *     SyncPoints       main and channels wait for each other between epochs
 *     LoadedRam        blocks, and which of their pages have come
 * </pre>
 */
package org.transhume.engine.incoming;
