/**
 * A guest at rest in a directory: {@code blocks/NN.ram}, {@code device-state.bin} and the {@code manifest.json} that says
 * what they are. Start at {@link org.transhume.control.image.GuestImage}. Of a guest whose postcopy was given up each side has a
 * part, {@link org.transhume.control.image.HalfImage} writes it, with {@code blocks/NN.present} beside;
 * {@link org.transhume.control.image.Merge} makes a guest of the two.
 */
package org.transhume.control.image;
