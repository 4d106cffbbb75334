/**
 * The human monitor: lines as QEMU's operators type them, through {@code human-monitor-command} (spec: control.md §7). Start at
 * {@link org.transhume.control.monitor.HumanMonitor}.
 *
 * <pre>
 *   line ── MonitorLine ── MonitorCommand ── one or more commands of QmpDispatcher ── text
 * </pre>
 *
 * Every rule is that of the QMP commands: here are only syntax and texts.
 */
package org.transhume.control.monitor;
