package org.transhume.control.devices;

/** What a {@link DeviceLayer} tells all monitors. Any thread; never waits for a client. */
public interface DeviceEvents {
    /** COLO has ended on this side. */
    void coloExited(ColoStatus.Mode mode, ColoStatus.Reason reason);

    /** The guest has released the failover device {@code id}. Profiles that do not know the event leave it out. */
    void primaryUnplugged(String id);
}
