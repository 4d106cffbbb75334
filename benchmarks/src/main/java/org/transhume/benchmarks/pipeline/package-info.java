/**
 * Whole migrations in one process, over loopback: what a page costs on all of its way. Start at
 * {@link org.transhume.benchmarks.pipeline.LoopbackMigration}.
 */
package org.transhume.benchmarks.pipeline;
