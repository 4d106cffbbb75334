/**
 * A guest at rest in a directory: {@code blocks/NN.ram}, {@code device-state.bin} and the {@code manifest.json} that says
 * what they are. Start at {@link org.transhume.control.image.GuestImage}.
 */
package org.transhume.control.image;
