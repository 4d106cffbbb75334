/**
 * Guests that need no hypervisor. {@link org.transhume.engine.guest.SyntheticGuest} writes its RAM from threads of its own
 * and stands in for a virtual machine in demonstrations, tests and benchmarks; {@link org.transhume.engine.guest.PassiveGuest}
 * holds what was received and never runs.
 */
package org.transhume.engine.guest;
