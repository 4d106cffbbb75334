/** One page to bytes and back. */
package org.transhume.codec;
