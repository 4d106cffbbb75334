/**
 * What clients are told of the protocol: {@code query-qmp-schema}, made of the same declarations that arguments are checked
 * and answers are held against. Start at {@link org.transhume.control.schema.Schema}.
 */
package org.transhume.control.schema;
