/**
 * One page, or one batch of pages, to bytes and back. Start at {@link org.transhume.codec.ZeroPage}.
 *
 * <p>Lengths are bytes. A codec reads guest RAM through a {@link java.lang.foreign.MemorySegment} that it is lent for the
 * call, and knows neither where the page lives nor where its bytes go: no sockets, no bitmaps here.
 */
package org.transhume.codec;
