package org.transhume.engine.handover;

/** How both sides decide: the machines of the product, or one that is wrong on purpose. */
interface Rules {
    Rules TRUE = new Rules() {};

    default SourceOwnership source(SourceOwnership now, SourceOwnership.Event event) {
        return now.after(event);
    }

    default DestinationOwnership destination(DestinationOwnership now, DestinationOwnership.Event event) {
        return now.after(event);
    }
}
