/**
 * Decoders under fire: Jazzer mutates what a peer may send, beginning with the inputs in the resources beside. Each
 * {@code *Fuzz} runs for some seconds in every {@code verify}; CONTRIBUTING.md tells how to let one run longer.
 */
package org.transhume.codec.fuzz;
