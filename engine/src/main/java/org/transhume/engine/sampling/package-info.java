/** What is learnt about a guest from a few of its pages. Start at {@link org.transhume.engine.sampling.PageSamples}. */
package org.transhume.engine.sampling;
