package org.transhume.control.guest;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import org.transhume.engine.Guest;
import org.transhume.engine.IncomingGuest;
import org.transhume.engine.MigrationException;
import org.transhume.engine.guest.SyntheticGuest;

/** A guest that leaves and arrives, or fails to in the place of the one behind it. */
interface Whole extends Guest, IncomingGuest {
    static Whole of(SyntheticGuest guest) {
        return passingOnAllBut(null, guest);
    }

    /** Has room for the RAM, but no device that fits. */
    static Whole refusingToLoad(SyntheticGuest guest) {
        return passingOnAllBut("load", guest);
    }

    private static Whole passingOnAllBut(String refused, SyntheticGuest guest) {
        Class<?>[] as = {Whole.class};
        return (Whole) Proxy.newProxyInstance(Whole.class.getClassLoader(), as, (_, method, arguments) -> {
            if (method.getName().equals(refused)) {
                throw new MigrationException("device 'x' is missing");
            }
            try {
                return method.invoke(guest, arguments);
            } catch (InvocationTargetException e) {
                throw e.getCause();
            }
        });
    }
}
