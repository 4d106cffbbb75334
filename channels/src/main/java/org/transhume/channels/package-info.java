/** Connections, and the framing of what goes over them. */
package org.transhume.channels;
