package org.transhume.benchmarks.pipeline;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.Random;

/** What a guest's memory holds. */
public enum PageContent {
    /** Never written: holes, of which each page has its record all the same. */
    UNTOUCHED,
    /** Zeros that take memory: each page has to be read. */
    ZEROS,
    RANDOM,
    /** The JVM's own library, again and again. */
    LIBRARY,
    /** Random bytes of which every page is written again and again, eight words each time. */
    HOT;

    /** Times that a page of {@link #HOT} travels. */
    static final int TRAVELS = 4;

    void fill(MemorySegment ram) throws IOException {
        switch (this) {
            case UNTOUCHED -> {}
            case ZEROS -> ram.fill((byte) 0);
            case RANDOM, HOT -> {
                Random random = new Random(42);
                for (long at = 0; at < ram.byteSize(); at += Long.BYTES) {
                    ram.set(ValueLayout.JAVA_LONG, at, random.nextLong());
                }
            }
            case LIBRARY -> {
                Path library = Path.of(System.getProperty("java.home"), "lib", "server", "libjvm.so");
                try (FileChannel in = FileChannel.open(library)) {
                    for (long at = 0; at < ram.byteSize(); ) {
                        int read = in.read(ram.asSlice(at).asByteBuffer());
                        if (read < 0) {
                            in.position(0);
                        } else {
                            at += read;
                        }
                    }
                }
            }
        }
    }
}
