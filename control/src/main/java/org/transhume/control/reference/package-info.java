/**
 * The reference for people, docs/reference.md, written from the tables that the code itself goes by: capabilities,
 * parameters, commands and events. Start at {@link org.transhume.control.reference.Reference}.
 */
package org.transhume.control.reference;
