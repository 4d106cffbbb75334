package org.transhume.engine.outgoing;

import java.util.function.Consumer;
import org.transhume.engine.HalfState;

/**
 * How pages travel once the guest runs at the destination. Immutable.
 *
 * @param preempt whether requested pages get a connection of their own
 * @param release whether pages are given back to the host once the destination has them
 * @param maxBandwidth cap in bytes per second on pages that nobody asked for; 0 is none
 * @param salvage hears what is left here of a migration that is given up between the two sides, before it is freed; null:
 *     nobody does
 */
public record PostcopyTerms(boolean preempt, boolean release, long maxBandwidth, Consumer<HalfState> salvage) {
    public PostcopyTerms {
        if (maxBandwidth < 0) {
            throw new IllegalArgumentException("maxBandwidth=%d: expected 0 or more".formatted(maxBandwidth));
        }
    }
}
