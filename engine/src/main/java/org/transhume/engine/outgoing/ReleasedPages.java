package org.transhume.engine.outgoing;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.agrona.collections.LongArrayList;
import org.transhume.memory.DirtyBitmap;
import org.transhume.memory.PageSize;
import org.transhume.memory.RamBlock;

/**
 * Gives pages of a guest that has left back to the host, each once the destination has confirmed it (capability release-ram): a
 * page is at one of the two sides at any time, so that a lost connection can be replaced. Files stay as they are: what is in
 * them is not the host's to take. The migration's thread; {@link #gone} may be asked by any.
 */
final class ReleasedPages implements AutoCloseable {
    /** Runs that were sent in front of a question; three numbers each. */
    private record Batch(int question, LongArrayList runs) {}

    private static final int NUMBERS = 3;

    private final List<RamBlock> blocks;
    private final List<DirtyBitmap> gone = new ArrayList<>();
    private final Deque<Batch> unconfirmed = new ArrayDeque<>();
    private LongArrayList sent = new LongArrayList();

    ReleasedPages(List<RamBlock> blocks) {
        this.blocks = blocks;
        try {
            blocks.forEach(block -> gone.add(new DirtyBitmap(block.pages())));
        } catch (Throwable t) {
            close();
            throw t;
        }
    }

    /** These pages were sent. Adjacent runs become one. */
    void sent(int block, long first, long count) {
        if (blocks.get(block).truncatable()) {
            return;
        }
        int last = sent.size() - NUMBERS;
        if (last >= 0 && sent.getLong(last) == block && sent.getLong(last + 1) + sent.getLong(last + 2) == first) {
            sent.setLong(last + 2, sent.getLong(last + 2) + count);
        } else {
            sent.addLong(block);
            sent.addLong(first);
            sent.addLong(count);
        }
    }

    /** Whether what was sent since the last question is worth one. */
    boolean unasked() {
        return !sent.isEmpty() && unconfirmed.isEmpty();
    }

    /** The destination was asked behind all of that. */
    void asked(int question) {
        unconfirmed.add(new Batch(question, sent));
        sent = new LongArrayList();
    }

    /** The destination answered: what was sent in front of the question is there. */
    void confirmed(int question) {
        while (!unconfirmed.isEmpty() && unconfirmed.getFirst().question() <= question) {
            LongArrayList runs = unconfirmed.removeFirst().runs();
            for (int i = 0; i < runs.size(); i += NUMBERS) {
                int block = (int) runs.getLong(i);
                gone.get(block)
                        .markRange(runs.getLong(i + 1), runs.getLong(i + 2)); // first: nobody may read it any more
                blocks.get(block).discard(runs.getLong(i + 1) * PageSize.BYTES, runs.getLong(i + 2) * PageSize.BYTES);
            }
        }
    }

    /** The connection is lost: what was not confirmed may have to be sent again. */
    void lost() {
        unconfirmed.clear();
        sent.clear();
    }

    /** Of 64 pages from {@code first} on, those that are not here any more. */
    long gone(int block, long first) {
        return gone.get(block).word(first);
    }

    @Override
    public void close() {
        gone.forEach(DirtyBitmap::close);
    }
}
