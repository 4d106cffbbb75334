/**
 * Connections: bytes between guest RAM and a file descriptor, and nothing in between. Start at
 * {@link org.transhume.channels.Connections}.
 * <pre>
 *   Address ── Connections ──┬── connect ──────────────────► Connection ◄── read, write ──► native memory
 *   "tcp:…"                  └── listen ──► Listener ── accept ──┘    gathered by an IoVector
 *
 *   below: DescriptorConnection ── Descriptor (who uses the number, who waits) ── SystemCalls (libc)
 * </pre>
 * A connection blocks; one thread reads it and one writes it; any thread closes it, and both return at once. Offsets and
 * lengths are bytes. The framing of QEMU's stream is in the corner {@code qemu}. No guests, no codecs here.
 */
package org.transhume.channels;
