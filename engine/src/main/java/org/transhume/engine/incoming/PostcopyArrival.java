package org.transhume.engine.incoming;

import java.util.function.Consumer;
import org.transhume.engine.HalfState;

/**
 * How a guest may arrive before all of its pages. Immutable.
 *
 * @param preempt whether the source makes a connection of its own for pages that are asked for
 * @param blocktime whether to measure how long its virtual CPUs wait for pages
 * @param listenOn whether a source that lost its connection may come back to where it came first, without {@link
 *     IncomingMigration#recover}
 * @param salvage hears what is here of a migration that is given up between the two sides, before it is freed; null:
 *     nobody does
 */
public record PostcopyArrival(boolean preempt, boolean blocktime, boolean listenOn, Consumer<HalfState> salvage) {}
