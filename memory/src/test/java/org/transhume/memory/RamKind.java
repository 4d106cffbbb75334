package org.transhume.memory;

/** The kinds of guest RAM that every machine has. */
enum RamKind {
    MEMFD {
        @Override
        RamBlock block(String name, long size) {
            return RamBlock.memfd(name, size);
        }
    },
    ANONYMOUS {
        @Override
        RamBlock block(String name, long size) {
            return RamBlock.anonymous(name, size);
        }
    };

    abstract RamBlock block(String name, long size);
}
