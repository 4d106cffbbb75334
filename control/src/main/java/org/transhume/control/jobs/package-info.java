/** Work that goes on after its command has answered. Start at {@link org.transhume.control.jobs.Jobs}. */
package org.transhume.control.jobs;
