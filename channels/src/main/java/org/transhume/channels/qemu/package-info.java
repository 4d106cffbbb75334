/**
 * QEMU's migration stream, both directions: the framing, never the pages themselves. Start at
 * {@link org.transhume.channels.qemu.MainStreamParser} to read one and {@link org.transhume.channels.qemu.MainStreamWriter}
 * to write one.
 * <pre>
 *   main:     StreamHeader ─ Command ─ RAM sections (block list, page records, markers) ─ DeviceTail
 *   multifd:  MultifdHello ─ MultifdPacket + pages ─ … ─ SYNC
 *   preempt:  page records, of a postcopy: PageRecordReader, PageRecordWriter
 *   return:   ReturnPathMessage … ReceivedPages, in a recovery
 * </pre>
 * Everything is big-endian. Offsets of pages are bytes inside their RAM block; offsets in errors count bytes of the channel
 * since its first. {@link org.transhume.channels.qemu.Dialect} tells what the machine type in the header changes.
 */
package org.transhume.channels.qemu;
