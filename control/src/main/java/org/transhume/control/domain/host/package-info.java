/**
 * Domains of this process: guests of {@code control.guest} with names, definitions, jobs and events. Start at
 * {@link org.transhume.control.domain.host.LocalHost}.
 * <pre>
 *   LocalHost ─┬─ GuestDomain ── SourceJob ───────┐ Begin, Perform, Confirm
 *              │      │                           ├─► MigrationControl, GuestRuntime
 *              ├─ Place ──────── DestinationJob ──┘ Prepare, Finish
 *              └─ LocalConnection: whose jobs end with it
 *   MigrationCoordinator drives a source and a destination, wherever they are
 * </pre>
 */
package org.transhume.control.domain.host;
