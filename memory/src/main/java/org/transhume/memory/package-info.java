/** Guest RAM, and which of its pages were written. */
package org.transhume.memory;
