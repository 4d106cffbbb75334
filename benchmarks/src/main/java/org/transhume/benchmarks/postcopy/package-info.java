/** Postcopy held against precopy, and both against a QEMU's. */
package org.transhume.benchmarks.postcopy;
