/**
 * What can be set about a migration: capabilities (on or off) and parameters (values), under the names, limits and
 * error texts of QEMU. Start at {@link org.transhume.control.settings.Settings}.
 *
 * <pre>
 *   Capability ─┐  each declared once: name, profiles, meaning,     CapabilityRule, ParameterRule
 *   Parameter ──┤  limits, refusal, whether this release has it      what must not meet, in the order checked
 *               ▼
 *   Settings 1 ── 1 SettingsValues   an immutable set, replaced as a whole or not at all
 * </pre>
 *
 * Integers of 64 bits are unsigned unless their type says otherwise. No JSON, no sockets, no engine here.
 */
package org.transhume.control.settings;
