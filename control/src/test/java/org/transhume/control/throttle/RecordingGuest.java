package org.transhume.control.throttle;

import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import org.transhume.engine.Guest;

/** Remembers by how much it was slowed down; nothing else may be asked of it. */
final class RecordingGuest {
    final List<Integer> throttled = new ArrayList<>();

    Guest proxy() {
        return (Guest) Proxy.newProxyInstance(
                Guest.class.getClassLoader(), new Class<?>[] {Guest.class}, (_, method, with) -> {
                    if (!method.getName().equals("throttle")) {
                        throw new AssertionError(method + " is no business of a throttle");
                    }
                    throttled.add((Integer) with[0]);
                    return null;
                });
    }
}
