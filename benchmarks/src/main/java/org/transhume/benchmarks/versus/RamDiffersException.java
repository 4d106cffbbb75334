package org.transhume.benchmarks.versus;

import java.io.IOException;

/** What arrived is not what was sent. */
final class RamDiffersException extends IOException {
    private static final long serialVersionUID = 1;

    RamDiffersException(String message) {
        super(message);
    }
}
