/**
 * Hosts speak with each other: calls of {@link org.transhume.control.domain.HostConnection} as framed JSON over one connection.
 * <pre>
 *   both:    "TRDM"  version (2 bytes)  0 (2 bytes)
 *   then:    length (4 bytes)  {"call": CODE, ...}        one at a time, each answered by
 *            length (4 bytes)  {"ok": ...} or {"error": CODE, "message": "..."}
 * </pre>
 * Big-endian; a frame has 1 to 4 MiB. The peer is not trusted: what it says is checked for form, range and size before use. A
 * connection that ends, ends the jobs that were begun or prepared over it.
 */
package org.transhume.control.domain.wire;
