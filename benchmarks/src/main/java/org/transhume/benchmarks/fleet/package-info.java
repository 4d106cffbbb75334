/** Many guests that leave one process at the same time: whether each gets the same, and all of them what there is. */
package org.transhume.benchmarks.fleet;
