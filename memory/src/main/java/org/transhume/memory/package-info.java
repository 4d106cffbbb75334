/**
 * Guest RAM, and which of its pages were written. Start at {@link org.transhume.memory.GuestMemory}.
 *
 * <pre>
 *   GuestMemory 1 ── * RamBlock ◄── Lease          owns descriptor and mapping; leases hold off the unmapping
 *        ▲                 │
 *        │             segment, bytes, fd          what writers, lanes and channels work on
 *        │
 *   DirtySource ── harvest ──► DirtyBitmap ── harvest ──► RunSink
 *     WriteProtectSource         one bit a page,            runs of adjacent pages,
 *     WriterMarks                off-heap, lock-free        cleared before they are handed out
 * </pre>
 *
 * <p>{@link org.transhume.memory.DirtyRings} counts pages by the writer that wrote them, for limits of one virtual CPU.
 * {@link org.transhume.memory.SharedSource} lets several users ask one source.
 * {@link org.transhume.memory.MissingPages} has whoever touches a page wait until it comes, and {@link
 * org.transhume.memory.GuestAccess} touches such memory without holding up the JVM.
 * {@link org.transhume.memory.DirtySources} says which sources work here, and why the others do not. Underneath:
 * {@code Mapping} maps and unmaps, {@code Pagemap} and {@code WriteProtection} ask the kernel, {@code Linux} makes every
 * system call of the room.
 *
 * <p>Offsets and lengths are bytes; page numbers count from the start of their block, a page has
 * {@link org.transhume.memory.PageSize#BYTES}. No sockets, no codecs here.
 */
package org.transhume.memory;
