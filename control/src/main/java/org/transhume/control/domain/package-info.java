/**
 * Domains, their migrations and what is told of them, as libvirt's users know it. Start at
 * {@link org.transhume.control.domain.Domain#migrate}.
 * <pre>
 *                 Begin, Perform, Confirm                 Prepare, Finish
 *   MigrationSource ◄──────────────── coordinator ────────────────► MigrationDestination
 *        │                  in the source, or in a client                    │
 *   Domain, MigrationJob ── DomainEvent ─► listeners           a place for a guest to arrive
 * </pre>
 * Here are the nouns and interfaces; {@code spec} says what a migration is to be, {@code stats} what its job did, {@code error}
 * what went wrong. {@code host} builds all of it on the migrations of {@code control.guest}, {@code wire} brings it to other hosts.
 */
package org.transhume.control.domain;
