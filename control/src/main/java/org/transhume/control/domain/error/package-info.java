/**
 * What can go wrong with a domain, one type for each thing that a caller can do about it, each with a code that travels between
 * hosts. Messages are one line.
 */
package org.transhume.control.domain.error;
