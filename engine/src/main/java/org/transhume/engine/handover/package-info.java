/**
 * Who may run the guest, as each side knows it: state machines without threads, clocks or connections, so that a test can walk
 * through every interleaving of both (docs/decisions/0012). The migrations tell them what happened and do what they say.
 * <pre>
 *   source       SourceOwnership       HERE ─► OFFERED ─► READY ─► HANDED_OVER ─┬─► THERE
 *                                                                             ├─► ASKING ─┬─► THERE, BACK
 *                                                                             └─► BACK    └─► UNKNOWN
 *   destination  DestinationOwnership  LOADING ─► WAITING ─► GRANTED ─► RUNS
 *                                        └───────────┴──────────┴────► RENOUNCED
 * </pre>
 */
package org.transhume.engine.handover;
