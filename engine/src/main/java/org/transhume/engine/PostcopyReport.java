package org.transhume.engine;

import org.transhume.engine.stalls.StallFigures;

/**
 * What a migration did once its guest ran at the destination and its pages followed. Either side.
 *
 * @param millis from then on to the end
 * @param bytes written since at the source, read since at the destination; over all channels
 * @param requests pages that the destination asked for
 * @param pauses how often the connection was lost
 * @param pausedMillis how long there was none, all pauses together
 * @param stalls how long threads waited for pages; null at the source
 */
public record PostcopyReport(
        double millis, long bytes, long requests, int pauses, double pausedMillis, StallFigures stalls) {}
