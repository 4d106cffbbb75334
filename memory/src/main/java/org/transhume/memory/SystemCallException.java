package org.transhume.memory;

import java.util.Map;

/** A system call was refused. The message says which, for what, the errno, and what to do about it. */
public final class SystemCallException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private static final Map<Integer, String> NAMES = Map.ofEntries(
            Map.entry(1, "EPERM"),
            Map.entry(2, "ENOENT"),
            Map.entry(4, "EINTR"),
            Map.entry(6, "ENXIO"),
            Map.entry(9, "EBADF"),
            Map.entry(11, "EAGAIN"),
            Map.entry(12, "ENOMEM"),
            Map.entry(13, "EACCES"),
            Map.entry(14, "EFAULT"),
            Map.entry(16, "EBUSY"),
            Map.entry(17, "EEXIST"),
            Map.entry(21, "EISDIR"),
            Map.entry(22, "EINVAL"),
            Map.entry(23, "ENFILE"),
            Map.entry(24, "EMFILE"),
            Map.entry(25, "ENOTTY"),
            Map.entry(26, "ETXTBSY"),
            Map.entry(27, "EFBIG"),
            Map.entry(28, "ENOSPC"),
            Map.entry(30, "EROFS"),
            Map.entry(38, "ENOSYS"));

    private final int errno;

    SystemCallException(String call, String about, int errno, String remedy) {
        super("%s of %s: %s (%d); %s".formatted(call, about, name(errno), errno, remedy));
        this.errno = errno;
    }

    static String name(int errno) {
        return NAMES.getOrDefault(errno, "errno");
    }

    /** The kernel's error number, positive. */
    public int errno() {
        return errno;
    }
}
