/**
 * Batches of pages to fewer bytes and back. Start at {@link org.transhume.codec.compression.Compressor}.
 * <pre>
 *   guest RAM ─► BatchBuffers.plain ─ Compressor ─► BatchBuffers.packed ─► channel
 *   guest RAM ◄─ BatchBuffers.plain ◄ Decompressor ─ BatchBuffers.packed ◄─ channel
 * </pre>
 * In memory a channel costs its two buffers and the state of its format, which each class tells: at most the window of a zstd
 * frame and 2 MiB.
 *
 * <p>A compressor reads a private copy, never live guest RAM: a page that changes underfoot would tear its history, and a file
 * that is truncated underfoot would end the JVM in native code. A decompressor hands out a batch only when all of it was right.
 */
package org.transhume.codec.compression;
