/**
 * A guest as a process shows it to scripts: each family of QMP commands, checked and carried out, with the types that its
 * answers have and the events it emits.
 * <pre>
 *   GuestProcess ─► *Commands ─► guest.MigrationControl, guest.GuestRuntime, devices.DeviceLayer, jobs.Jobs
 *        └─► qmp.QmpDispatcher, which takes their declarations and calls them
 * </pre>
 */
package org.transhume.control.process;
