/**
 * The fast end of deflate (RFC 1951), for pages: what zlib calls level 1, in Java. Only the writing side; anybody's inflate
 * reads it.
 */
package org.transhume.codec.deflate;
