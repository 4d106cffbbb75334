/**
 * What a migration is to be: flags and typed parameters as libvirt has them, each declared once, and the rules among them.
 * <pre>
 *   MigrationSpec.builder()…build()  ─┐
 *                                     ├─► SpecRule, all of them ─► MigrationSpec ─► toTyped()
 *   MigrationSpec.fromTyped(…)       ─┘        │ all violations at once
 *                                              └► IllegalMigrationException
 * </pre>
 * What contradicts itself is refused here. What only this version cannot do is refused by
 * {@link org.transhume.control.domain.spec.MigrationSpec#requireBuilt}, before anything is touched.
 */
package org.transhume.control.domain.spec;
