package org.transhume.channels.qemu;

/**
 * One RAM block in the list that opens the RAM section (spec: stream.md §2.2).
 *
 * @param name 1 to 255 bytes
 * @param length bytes that travel, a positive multiple of the page size
 * @param gpa guest-physical start, sent only with {@code x-ignore-shared}; else 0
 */
public record BlockEntry(String name, long length, long gpa) {
    public BlockEntry(String name, long length) {
        this(name, length, 0);
    }
}
