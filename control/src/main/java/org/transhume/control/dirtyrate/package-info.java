/** How fast a guest writes its memory, measured without migrating it (spec: control.md §2.5, §6.11). */
package org.transhume.control.dirtyrate;
