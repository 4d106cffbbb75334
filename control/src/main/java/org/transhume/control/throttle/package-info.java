/**
 * How a guest that writes faster than its pages are sent is slowed down (spec: control.md §6.8, §6.9).
 * <pre>
 *   the engine, once a second ─► AutoConverge ────────► Guest.throttle          all of the guest, in steps
 *                             └► DirtyLimitPolicy ─┐
 *   set-vcpu-dirty-limit ──────────────────────────┴─► DirtyLimits ─► VcpuRings   single virtual CPUs, to a rate
 *                                                      one DirtyLimitRegulation each
 * </pre>
 */
package org.transhume.control.throttle;
