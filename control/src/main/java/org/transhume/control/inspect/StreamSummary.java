package org.transhume.control.inspect;

import java.nio.file.Path;
import java.util.List;

/**
 * What one captured connection holds, as far as it could be read.
 *
 * @param file it was read from
 * @param channel "main", "resumed main", "multifd channel N", "preempt" or "return path"
 * @param bytes understood
 * @param machine of a main channel's header; null elsewhere
 * @param dialect of that machine
 * @param capabilities listed in the header
 * @param commands in their order; of a return path, the messages
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
    /** Of a channel without a header and devices. */
    static StreamSummary ofPages(
            Path file, String channel, long bytes, List<String> commands, int syncs, List<Block> blocks, String error) {
        return new StreamSummary(
                file.toString(),
                channel,
                bytes,
                null,
                null,
                List.of(),
                commands,
                0,
                syncs,
                blocks,
                List.of(),
                -1,
                error);
    }

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
