/** JMH benchmarks of what runs for every page, each beside its baseline. */
package org.transhume.benchmarks.kernels;
