package org.transhume.control.settings;

import java.util.Arrays;
import java.util.Optional;

/** The QEMU release whose names, limits and defaults are used towards clients. Older releases come first. */
public enum Profile {
    V3_1("3.1", 3, 1, 0),
    V10_0("10.0", 10, 0, 2);

    private final String label;
    private final int major;
    private final int minor;
    private final int micro;

    Profile(String label, int major, int minor, int micro) {
        this.label = label;
        this.major = major;
        this.minor = minor;
        this.micro = micro;
    }

    /** The profile called {@code label} on the command line, {@code 3.1} or {@code 10.0}. */
    public static Optional<Profile> named(String label) {
        return Arrays.stream(values()).filter(p -> p.label.equals(label)).findFirst();
    }

    public String label() {
        return label;
    }

    public int major() {
        return major;
    }

    public int minor() {
        return minor;
    }

    public int micro() {
        return micro;
    }

    @Override
    public String toString() {
        return label;
    }
}
