package org.transhume.control.image;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;
import java.util.UUID;
import org.transhume.engine.incoming.IncomingReport;

/**
 * What lies in the directory of a guest at rest, or of what one side of a postcopy had of it.
 *
 * @param format of this file, 1
 * @param machine named in the stream it came with
 * @param uuid of the guest, where the stream named it; else null
 * @param dialect of that peer
 * @param deviceState its file, relative to the directory; null in a half whose guest could not say it
 * @param blocks RAM blocks in the order of the stream
 * @param counters what the migration that brought it counted; null in a manifest made otherwise
 * @param half which half it is; null: it is whole
 */
public record Manifest(
        int format,
        String machine,
        UUID uuid,
        String dialect,
        String deviceState,
        List<Block> blocks,
        IncomingReport counters,
        @JsonInclude(JsonInclude.Include.NON_NULL) Half half) {
    /** The only format there is. */
    public static final int FORMAT = 1;

    /**
     * One RAM block.
     *
     * @param name may hold any character
     * @param size bytes
     * @param sha256 of all of them, in hexadecimal; what is not present counts as zeroes
     * @param file relative to the directory
     * @param present which pages are there; null: all
     */
    public record Block(
            String name,
            long size,
            String sha256,
            String file,
            @JsonInclude(JsonInclude.Include.NON_NULL) Present present) {}

    /**
     * A list of pages.
     *
     * @param file relative to the directory; docs/postcopy.md has its format
     * @param pages how many
     * @param sha256 of the file, in hexadecimal
     */
    public record Present(String file, long pages, String sha256) {}

    /**
     * Of a guest whose postcopy was given up.
     *
     * @param side "source" or "destination"
     * @param handover what the two sides called the migration, with {@code x-handover}; else null
     * @param stopped whether this side runs the guest no more
     * @param presentPages of all blocks together
     */
    public record Half(String side, UUID handover, boolean stopped, long presentPages) {}
}
