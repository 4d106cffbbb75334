package org.transhume.control.settings;

/**
 * What the process is doing while its capabilities are to be changed.
 *
 * @param outgoingRunning an outgoing migration is under way, in any state from {@code setup} to {@code cancelling}
 * @param listening the listener of an incoming migration exists
 * @param inMigrate the guest waits for an incoming migration
 * @param host what host and build can do
 */
public record Circumstances(boolean outgoingRunning, boolean listening, boolean inMigrate, HostSupport host) {
    /** No migration in either direction. */
    public static final Circumstances IDLE = new Circumstances(false, false, false, HostSupport.USUAL);
}
