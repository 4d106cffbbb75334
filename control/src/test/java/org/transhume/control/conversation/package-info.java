/**
 * Questions that a QEMU and a Transhume guest are both asked on their monitors, and the comparison of what they answer. Start at
 * {@link org.transhume.control.conversation.Conversation}; the questions are in {@code questions.txt}.
 */
package org.transhume.control.conversation;
