/**
 * The QEMU Machine Protocol: one JSON value a line, commands in, answers and events out. Start at
 * {@link org.transhume.control.qmp.QmpServer} and {@link org.transhume.control.qmp.QmpDispatcher}.
 *
 * <pre>
 *   QmpServer ── accepts one client at a time
 *      └ QmpMonitor          the connection: reads on the server's thread, writes on its own
 *           ├ JsonFramer     bytes to values: JsonTokens finds the borders, Jackson parses between them
 *           └ QmpSession     negotiation, id, in band and out of band
 *                └ QmpDispatcher 1 ── * QmpCommand    shared by all servers; sends events to all sessions
 * </pre>
 *
 * A command declares its {@link org.transhume.control.qmp.Argument}s; the checks, and what a client is told, follow from
 * that. Commands in band run one at a time, whichever monitor they came from. No engine here.
 */
package org.transhume.control.qmp;
