/**
 * The source's half. Start at {@link org.transhume.engine.outgoing.OutgoingMigration}.
 * <pre>
 *   OutgoingMigration  phases, hand-over, failure       one thread, "migration"
 *     PendingPages     what is dirty and not yet sent
 *     Scanner          pending pages ─► batches, hole runs
 *     LaneGroup        inline, or behind the ring       one thread a lane
 *       Lane           batch ─► main records or multifd packet, from guest RAM to the socket
 *         PacketBody   the packet's pages: raw, compressed, deltas, or whatever FormChoice finds cheapest
 *     PageForms        what the lanes share for that: SentPages, the delta cache, and the counts
 *     RateLimit        100 ms windows over all lanes
 *       BandwidthBudget  what several migrations of this process have together
 *     AnswerReader     the return path                  one thread
 * </pre>
 */
package org.transhume.engine.outgoing;
