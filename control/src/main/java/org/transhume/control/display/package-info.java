/** What people see of a migration: a progress line while it runs, a report at the end; and the same as JSON. */
package org.transhume.control.display;
