/**
 * What a migration costs, measured. Each package asks one question of a user and holds the answer against a baseline of the same
 * run; {@link org.transhume.benchmarks.Benchmarks} is the command line.
 */
package org.transhume.benchmarks;
