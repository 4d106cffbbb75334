package org.transhume.engine.guest;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;

/**
 * A service of this process that hands its memory to another: what it does beside. The calls come from threads of the
 * migration, one at a time. An exception of {@link #stop} or {@link #save} fails the migration, and the service is started
 * again where it is.
 */
public interface Service {
    /** When it returns nobody writes the memory any more, until {@link #start}. This is the begin of the pause. */
    void stop();

    /** Goes on with the memory as it is: where it was, or where it has arrived. The end of the pause. */
    void start();

    /** What it needs beside its memory; it is stopped. Small: it crosses in the pause. */
    default void save(OutputStream out) throws IOException {}

    /** Takes on what {@link #save} wrote on the other side; refuse by an exception, and the service stays there. */
    default void load(InputStream in) throws IOException {}

    /**
     * The service writes faster than its pages are sent: it should rest for {@code percent} of its time, 1 to 99, and with 0
     * no more. Only with a throttle policy; one that cannot rest does nothing.
     */
    default void throttle(int percent) {}
}
