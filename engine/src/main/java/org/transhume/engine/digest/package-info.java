/**
 * Whether RAM arrived as it was sent: extension {@code x-ram-digest}, the same on both sides (docs/wire.md, docs/decisions/0010).
 * Start at {@link org.transhume.engine.digest.RamDigest}.
 * <pre>
 *   lane, loader ── PageRecorder ─► RamDigest    a hash a page, two sums a group of 512 pages
 *   one a thread                    one a side   compared group by group when RAM is complete
 * </pre>
 */
package org.transhume.engine.digest;
