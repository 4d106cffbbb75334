/**
 * What some commands need beside RAM: block devices, displays, replication. Start at {@link
 * org.transhume.control.devices.DeviceLayer}, which an embedder implements; without one there are no such devices.
 * <pre>
 *   SnapshotCommands, ColoCommands, XenCommands, DisplayCommands ─► DeviceLayer ─► DeviceEvents
 *     names, arguments and refusals of QMP                          the devices     COLO_EXIT, UNPLUG_PRIMARY
 * </pre>
 */
package org.transhume.control.devices;
