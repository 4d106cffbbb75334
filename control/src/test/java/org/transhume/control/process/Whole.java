package org.transhume.control.process;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.Optional;
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

    /** The writes of its vCPUs are not counted one by one, as without KVM. */
    static Whole uncounted(SyntheticGuest guest) {
        return proxy((method, arguments) ->
                method.getName().equals("vcpuRings") ? Optional.empty() : method.invoke(guest, arguments));
    }

    private static Whole passingOnAllBut(String refused, SyntheticGuest guest) {
        return proxy((method, arguments) -> {
            if (method.getName().equals(refused)) {
                throw new MigrationException("device 'x' is missing");
            }
            return method.invoke(guest, arguments);
        });
    }

    private static Whole proxy(Call call) {
        Class<?>[] as = {Whole.class};
        return (Whole) Proxy.newProxyInstance(Whole.class.getClassLoader(), as, (_, method, arguments) -> {
            try {
                return call.of(method, arguments);
            } catch (InvocationTargetException e) {
                throw e.getCause();
            }
        });
    }

    /** One call of the guest in front. */
    interface Call {
        Object of(Method method, Object[] arguments) throws ReflectiveOperationException;
    }
}
