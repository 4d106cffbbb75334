package org.transhume.engine.incoming;

import org.transhume.engine.PostcopyReport;
import org.transhume.engine.digest.DigestReport;

/**
 * What a migration did, from the destination's side.
 *
 * @param outcome "completed" or "failed"
 * @param reason of a failure, one line; else null
 * @param machine named in the stream's header; null if none came
 * @param dialect of that machine
 * @param totalMillis from the first connection to the end
 * @param loadMillis loading devices; part of the pause
 * @param startMillis starting the guest; part of the pause
 * @param ramBytes bytes of guest RAM announced
 * @param mainBytes bytes read from the main channel
 * @param multifdBytes bytes read from page channels
 * @param normalPages pages received in full, as they are or in compressed packets
 * @param zeroPages pages received as zero
 * @param holePages pages received as part of a hole
 * @param deltaPages pages received as XBZRLE deltas
 * @param compressedPages pages received compressed one by one on the main channel
 * @param digest what {@code x-ram-digest} took; null if RAM was not compared with what was sent, or differed from it
 * @param syncs sync points passed
 * @param deviceBytes of device state
 * @param descriptionMissing the stream ended without the description of the devices
 * @param postcopy what came after the switch to postcopy; null: it never was
 */
public record IncomingReport(
        String outcome,
        String reason,
        String machine,
        String dialect,
        double totalMillis,
        double loadMillis,
        double startMillis,
        long ramBytes,
        long mainBytes,
        long multifdBytes,
        long normalPages,
        long zeroPages,
        long holePages,
        long deltaPages,
        long compressedPages,
        DigestReport digest,
        int syncs,
        long deviceBytes,
        boolean descriptionMissing,
        PostcopyReport postcopy) {}
