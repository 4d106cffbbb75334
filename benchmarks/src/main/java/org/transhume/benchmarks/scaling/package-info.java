/** Time against the size of the guest, and against the number of channels. */
package org.transhume.benchmarks.scaling;
