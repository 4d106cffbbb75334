/** A QEMU to compare with: where it is, how it is started, and guests that fit in a page of code. */
package org.transhume.benchmarks.qemu;
