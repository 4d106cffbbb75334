/**
 * XBZRLE: a page as its difference from the copy sent before (spec: stream.md §3). Start at
 * {@link org.transhume.codec.delta.DeltaCache}.
 *
 * <p>The rule that everything here keeps: the cached page equals what the receiver holds for that address, or there is no
 * entry.
 */
package org.transhume.codec.delta;
