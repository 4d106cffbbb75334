/**
 * How long a guest that runs before its memory is there waits for it (postcopy). Start at
 * {@link org.transhume.engine.stalls.PageStalls}.
 */
package org.transhume.engine.stalls;
