/** Commands. */
package org.transhume.control;
