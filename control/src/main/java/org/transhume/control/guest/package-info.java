/**
 * One guest and its migrations, as a script sees them: run states, {@code migrate} and its relatives, events.
 * <pre>
 *   QMP, command line ─► MigrationControl ─► OutgoingMigration / IncomingMigration
 *                          │                        │ pause, resume, start
 *                          └── GuestRuntime ◄───────┘   run state, STOP and RESUME
 * </pre>
 */
package org.transhume.control.guest;
