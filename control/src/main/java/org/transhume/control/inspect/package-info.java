/** What is in a captured stream. Start at {@link org.transhume.control.inspect.StreamInspection}. */
package org.transhume.control.inspect;
