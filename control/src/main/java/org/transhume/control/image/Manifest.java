package org.transhume.control.image;

import java.util.List;
import java.util.UUID;
import org.transhume.engine.incoming.IncomingReport;

/**
 * What lies in the directory of a guest at rest.
 *
 * @param format of this file, 1
 * @param machine named in the stream it came with
 * @param uuid of the guest, where the stream named it; else null
 * @param dialect of that peer
 * @param deviceState its file, relative to the directory
 * @param blocks RAM blocks in the order of the stream
 * @param counters what the migration that brought it counted; null in a manifest made by hand
 */
public record Manifest(
        int format,
        String machine,
        UUID uuid,
        String dialect,
        String deviceState,
        List<Block> blocks,
        IncomingReport counters) {
    /** The only format there is. */
    public static final int FORMAT = 1;

    /**
     * One RAM block.
     *
     * @param name may hold any character
     * @param size bytes
     * @param sha256 of all of them, in hexadecimal
     * @param file relative to the directory
     */
    public record Block(String name, long size, String sha256, String file) {}
}
