package org.transhume.channels.qemu;

import java.io.IOException;

/** Whom pages in full and zero are told to. Offsets are checked: page aligned and inside their block. */
public interface PageVisitor {
    /** A page whose 4096 bytes are next: the visitor must take all of them from {@code in}. */
    void page(int block, long offset, StreamReader in) throws IOException;

    void zeroPage(int block, long offset) throws IOException;
}
