/**
 * Transhume's commands against real QEMUs: whole processes, whole streams, whole guests.
 * <pre>
 *   QemuProcess (source) ── migrate ──► bin/transhume receive ──► directory ──► bin/transhume send ──► QemuProcess
 *        ram file ═══════ equal ═════ manifest's digest ════════════ equal ════════════════ ram file
 * </pre>
 * Start at {@link org.transhume.control.interop.QemuRelayIT}. {@link org.transhume.control.interop.QemuHarnessIT} shows
 * that two QEMUs pass the same checks without us. Where a QEMU is absent its tests are skipped with the reason.
 */
package org.transhume.control.interop;
