/**
 * The figures of a domain's job: {@link org.transhume.control.domain.stats.JobStats}, and the table of libvirt's fields in
 * {@link org.transhume.control.domain.stats.StatsField}. Bytes, pages and milliseconds, as each field says.
 */
package org.transhume.control.domain.stats;
