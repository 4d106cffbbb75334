package org.transhume.control.inspect;

import java.util.List;

/**
 * What one captured connection holds, as far as it could be read.
 *
 * @param file it was read from
 * @param channel "main" or "multifd channel N"
 * @param bytes understood
 * @param machine of a main channel's header; null elsewhere
 * @param dialect of that machine
 * @param capabilities listed in the header
 * @param commands in their order
 * @param ramSections RAM sections, starts, parts and ends
 * @param syncs marks or packets that end an epoch
 * @param blocks RAM blocks and the pages that came for them
 * @param devices sections of the devices
 * @param description bytes of the devices' description, -1 where there is none
 * @param error what stopped the reading, with its offset; null where it is sound
 */
public record StreamSummary(
        String file,
        String channel,
        long bytes,
        String machine,
        String dialect,
        List<String> capabilities,
        List<String> commands,
        int ramSections,
        int syncs,
        List<Block> blocks,
        List<Device> devices,
        int description,
        String error) {
    /**
     * One RAM block.
     *
     * @param size bytes
     * @param normal pages in full
     * @param zero pages that are zero
     * @param hole pages of ranges never written
     * @param delta pages as XBZRLE deltas; in a multifd packet of deltas all of them, also those in full among them
     * @param compressed pages compressed, one by one or a packet at a time
     */
    public record Block(String name, long size, long normal, long zero, long hole, long delta, long compressed) {}

    /**
     * One section of device state.
     *
     * @param bytes with its frame
     */
    public record Device(String name, int instance, int version, int bytes) {}
}
