package org.transhume.control.monitor;

/** A line is not what its command takes; the message is the first line of the answer. */
final class MonitorSyntaxException extends Exception {
    private static final long serialVersionUID = 1;

    MonitorSyntaxException(String message) {
        super(message);
    }
}
