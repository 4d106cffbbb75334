package org.transhume.engine;

import java.util.UUID;

/** A guest that can be told from another with the same machine. */
public interface Identified {
    /** The guest's UUID; null if it was given none. */
    default UUID uuid() {
        return null;
    }
}
