package org.transhume.engine.incoming;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.transhume.channels.qemu.BlockEntry;
import org.transhume.channels.qemu.PageVisitor;
import org.transhume.channels.qemu.StreamReader;
import org.transhume.engine.ArrivingPages;
import org.transhume.engine.PageCounters;
import org.transhume.engine.Threads;
import org.transhume.engine.UrgentThread;
import org.transhume.engine.stalls.PageStalls;
import org.transhume.memory.DirtyBitmap;
import org.transhume.memory.GuestMemory;
import org.transhume.memory.MissingPages;
import org.transhume.memory.PageSize;

/**
 * RAM that is filled while its guest runs: a thread of its own hears who waits for a page and asks the source for it, each page
 * once, and whoever reads a channel puts the pages in their places. From here on no Java code touches that RAM (design §5.4).
 */
final class PostcopyRam implements ArrivingPages, AutoCloseable {
    private final LoadedRam ram;
    private final PageCounters counters;
    private final PageStalls stalls;
    private final MissingPages missing;
    private final List<DirtyBitmap> requested = new ArrayList<>();
    private final byte[][] names;
    private final Thread handler;
    private MissingPages.Placer placer; // the handler's own
    private volatile ReturnPath route;
    private volatile boolean closing;

    /**
     * From here on whoever touches a page that did not come waits for it.
     *
     * @param answers leads to the source
     * @param name of the thread
     */
    PostcopyRam(LoadedRam ram, PageCounters counters, PageStalls stalls, ReturnPath answers, String name) {
        this.ram = ram;
        this.counters = counters;
        this.stalls = stalls;
        this.route = answers;
        ram.discardTheRest();
        GuestMemory memory = ram.memory();
        List<BlockEntry> blocks = ram.blocks();
        names = new byte[blocks.size()][];
        for (int i = 0; i < names.length; i++) {
            names[i] = blocks.get(i).name().getBytes(StandardCharsets.ISO_8859_1);
        }
        missing = new MissingPages(memory);
        try {
            memory.blocks().forEach(block -> requested.add(new DirtyBitmap(block.pages())));
        } catch (Throwable t) {
            requested.forEach(DirtyBitmap::close);
            missing.close();
            throw t;
        }
        handler = Thread.ofPlatform().daemon().name(name + " faults").start(this::serve);
    }

    /** Hears of faults until it is closed. It allocates nothing, and waits for nobody but the kernel and the socket. */
    private void serve() {
        UrgentThread.become();
        try (MissingPages.Placer own = missing.placer()) {
            placer = own;
            while (!closing) {
                missing.read(this::fault, -1);
            }
        }
    }

    private void fault(int block, long offset, boolean inMemory, int thread) {
        stalls.began(block, offset, thread);
        if (ram.isThere(block, offset)) {
            // As zero without memory, or mapped elsewhere: nobody will bring it, and the thread waits.
            if (inMemory || !placer.zero(block, offset)) {
                placer.reveal(block, offset);
            }
            stalls.arrived(block, offset, PageSize.BYTES);
            return;
        }
        if (!requested.get(block).testAndMark(offset / PageSize.BYTES)) {
            counters.requested.increment();
            request(route, block, offset);
        }
    }

    /** A page whose request is lost with its connection is asked for again on the next. */
    private void request(ReturnPath path, int block, long offset) {
        if (path != null) {
            try {
                path.request(block, names[block], offset);
            } catch (IOException e) {
                // the reader of the connection sees it, too
            }
        }
    }

    /** The connection that requests go over is lost. */
    void unroute() {
        route = null;
    }

    /** Requests go this way from here on; first those that were not answered. */
    void route(ReturnPath answers) {
        route = answers; // in front of the look: what is asked for meanwhile is sent by either side, or by both
        for (int block = 0; block < names.length; block++) {
            DirtyBitmap asked = requested.get(block);
            long page = asked.nextMarked(0);
            while (page >= 0) {
                if (!ram.isThere(block, page * PageSize.BYTES)) {
                    request(answers, block, page * PageSize.BYTES);
                }
                page = page + 1 < asked.pages() ? asked.nextMarked(page + 1) : -1;
            }
        }
    }

    @Override
    public boolean isThere(int block, long offset) {
        return ram.isThere(block, offset);
    }

    /** Whether all of it came. */
    boolean whole() {
        return ram.missingPages() == 0;
    }

    /** Who waits for what. */
    PageStalls stalls() {
        return stalls;
    }

    LoadedRam loaded() {
        return ram;
    }

    /** Puts pages in their places, for one thread, which closes it. */
    Arrivals arrivals() {
        return new Arrivals();
    }

    /** Ends the handler, and lets everybody go on who still waits. Whoever puts pages has ended. */
    @Override
    public void close() {
        closing = true;
        stalls.over();
        missing.interrupt();
        Threads.join(handler);
        missing.close();
        requested.forEach(DirtyBitmap::close);
    }

    /** One channel's pages. A page that is there already stays as it is: the guest may have written to it since. */
    final class Arrivals implements PageVisitor, AutoCloseable {
        private final MissingPages.Placer own = missing.placer();

        private Arrivals() {}

        @Override
        public void page(int block, long offset, StreamReader in) throws IOException {
            int at = in.take(PageSize.BYTES);
            own.put(block, offset, in.buffer(), at);
            ram.arrived(block, offset);
            stalls.arrived(block, offset, PageSize.BYTES);
            counters.normal.increment();
        }

        /**
         * Adjacent pages.
         *
         * @param from outside of guest RAM
         * @param length bytes of whole pages
         */
        void pages(int block, long offset, MemorySegment from, long at, long length) {
            own.put(block, offset, from, at, length);
            for (long done = 0; done < length; done += PageSize.BYTES) {
                ram.arrived(block, offset + done);
            }
            stalls.arrived(block, offset, length);
            counters.normal.add(length / PageSize.BYTES);
        }

        @Override
        public void zeroPage(int block, long offset) {
            own.zero(block, offset);
            ram.arrivedZero(block, offset);
            stalls.arrived(block, offset, PageSize.BYTES);
            counters.zero.increment();
        }

        @Override
        public void close() {
            own.close();
        }
    }
}
