package org.transhume.control.qmp;

import java.util.List;

/**
 * An event that clients may hear of.
 *
 * @param data what it comes with
 * @param description when it comes, in one line
 */
public record QmpEvent(String name, List<Argument> data, String description) {
    public QmpEvent {
        data = List.copyOf(data);
    }

    /** One that comes without data. */
    public QmpEvent(String name, String description) {
        this(name, List.of(), description);
    }

    ArgumentType type() {
        return new ArgumentType.Struct(data);
    }
}
