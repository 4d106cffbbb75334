/** The pauses of real migrations: foretold, asked for, and actual. */
package org.transhume.benchmarks.pauses;
