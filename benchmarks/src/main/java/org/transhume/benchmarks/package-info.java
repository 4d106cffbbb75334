/** Benchmarks. */
package org.transhume.benchmarks;
