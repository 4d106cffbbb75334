package org.transhume.benchmarks.guard;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import org.transhume.benchmarks.kernels.MemoryConnection;
import org.transhume.channels.qemu.BlockEntry;
import org.transhume.channels.qemu.MultifdMethod;
import org.transhume.channels.qemu.MultifdPacket;
import org.transhume.channels.qemu.PageRecordReader;
import org.transhume.channels.qemu.PageRecordWriter;
import org.transhume.channels.qemu.PageVisitor;
import org.transhume.channels.qemu.StreamReader;
import org.transhume.channels.qemu.StreamWriter;
import org.transhume.codec.PageHash;
import org.transhume.codec.ZeroPage;
import org.transhume.codec.compression.BatchBuffers;
import org.transhume.codec.compression.Compressor;
import org.transhume.codec.compression.Decompressor;
import org.transhume.codec.compression.Lz4Compressor;
import org.transhume.codec.compression.Lz4Decompressor;
import org.transhume.codec.compression.ZlibStreamCompressor;
import org.transhume.codec.compression.ZstdStreamCompressor;
import org.transhume.codec.delta.XbzrleDecoder;
import org.transhume.codec.delta.XbzrleEncoder;
import org.transhume.memory.DirtyBitmap;

/**
 * What runs for every page, as work over {@value #PAGES} pages that lie in a cache: from memory, the neighbours' traffic would
 * decide.
 */
enum Kernel {
    COPY {
        @Override
        Runnable work(Arena arena) {
            MemorySegment from = random(arena);
            MemorySegment to = pages(arena);
            return () -> {
                for (long at = 0; at < BYTES; at += PAGE) {
                    MemorySegment.copy(from, at, to, at, PAGE);
                }
            };
        }
    },
    ZERO_TEST_OF_ZEROS {
        @Override
        Runnable work(Arena arena) {
            return zeroTest(pages(arena), true);
        }
    },
    ZERO_TEST_OF_OTHERS {
        @Override
        Runnable work(Arena arena) {
            return zeroTest(random(arena), false);
        }
    },
    PAGE_HASH {
        @Override
        Runnable work(Arena arena) {
            MemorySegment memory = random(arena);
            return () -> {
                long sum = 0;
                for (long at = 0; at < BYTES; at += PAGE) {
                    sum ^= PageHash.of(memory, at);
                }
                used = sum;
            };
        }
    },
    XBZRLE_ENCODE_UNCHANGED {
        @Override
        Runnable work(Arena arena) {
            return encode(arena, 0);
        }
    },
    XBZRLE_ENCODE {
        @Override
        Runnable work(Arena arena) {
            return encode(arena, CHANGED_BYTES);
        }
    },
    XBZRLE_DECODE {
        @Override
        Runnable work(Arena arena) {
            MemorySegment old = random(arena);
            MemorySegment fresh = changed(arena, old, CHANGED_BYTES);
            MemorySegment deltas = arena.allocate((long) PAGES * XbzrleEncoder.ROOM, 64);
            int[] lengths = new int[PAGES];
            XbzrleEncoder encoder = new XbzrleEncoder();
            for (int i = 0; i < PAGES; i++) {
                long at = (long) i * PAGE;
                lengths[i] = encoder.encode(old, at, fresh, at, deltas, (long) i * XbzrleEncoder.ROOM);
            }
            return () -> {
                for (int i = 0; i < PAGES; i++) {
                    XbzrleDecoder.decode(deltas, (long) i * XbzrleEncoder.ROOM, lengths[i], fresh, (long) i * PAGE);
                }
            };
        }
    },
    LZ4_PACK {
        @Override
        Runnable work(Arena arena) {
            return pack(new Lz4Compressor());
        }
    },
    LZ4_UNPACK {
        @Override
        Runnable work(Arena arena) {
            BatchBuffers buffers = library();
            int packed = new Lz4Compressor().compress(buffers, BYTES);
            Decompressor decompressor = new Lz4Decompressor();
            return () -> decompressor.decompress(buffers, packed, BYTES);
        }
    },
    ZSTD_PACK {
        @Override
        Runnable work(Arena arena) {
            return pack(new ZstdStreamCompressor(1));
        }
    },
    ZLIB_PACK {
        @Override
        Runnable work(Arena arena) {
            return pack(new ZlibStreamCompressor(1));
        }
    },
    MARK_AND_HARVEST {
        @Override
        Runnable work(Arena arena) {
            DirtyBitmap bitmap = new DirtyBitmap(MARKED_AMONG);
            long[] pages = new Random(SEED).longs(PAGES, 0, MARKED_AMONG).toArray();
            long[] sum = {0};
            return () -> {
                for (long page : pages) {
                    bitmap.mark(page);
                }
                used = bitmap.harvest((first, count) -> sum[0] += first ^ count) + sum[0];
            };
        }
    },
    PACKET_WRITE_AND_PARSE {
        @Override
        Runnable work(Arena arena) {
            MultifdPacket packet = new MultifdPacket(arena);
            EnumSet<MultifdMethod> accepted = EnumSet.of(MultifdMethod.NONE);
            return () -> {
                packet.pages(BLOCK.name(), 1);
                packet.counts(PAGES, 0);
                packet.data(MultifdMethod.NONE, BYTES);
                for (int i = 0; i < PAGES; i++) {
                    packet.offset(i, (long) i * PAGE);
                }
                packet.check("guard", 0, accepted);
                long sum = packet.block("guard", 0).length();
                for (int i = 0; i < PAGES; i++) {
                    sum += packet.offset(i);
                }
                used = sum;
            };
        }
    },
    RECORDS_WRITE {
        @Override
        Runnable work(Arena arena) {
            MemorySegment ram = random(arena);
            PageRecordWriter writer = writer(new MemoryConnection(0));
            return () -> write(writer, ram);
        }
    },
    RECORDS_READ {
        @Override
        Runnable work(Arena arena) {
            MemorySegment ram = random(arena);
            MemoryConnection connection = new MemoryConnection(BYTES + RECORDS_ROOM);
            write(writer(connection), ram);
            PageRecordReader reader = new PageRecordReader(new StreamReader(connection, "guard"), List.of(BLOCK));
            PageVisitor visitor = new PageVisitor() {
                @Override
                public void page(int block, long offset, StreamReader in) throws IOException {
                    in.into(ram, offset, PAGE);
                }

                @Override
                public void zeroPage(int block, long offset) {
                    throw new IllegalStateException("a zero page, expected none");
                }
            };
            return () -> {
                try {
                    for (int i = 0; i < PAGES; i++) {
                        reader.next(visitor);
                    }
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            };
        }
    };

    /** As many as a multifd packet has. */
    static final int PAGES = 128;

    private static final int PAGE = 4096;
    private static final int BYTES = PAGES * PAGE;
    private static final int RECORDS_ROOM = 16 * PAGES;
    private static final int CHANGED_BYTES = 40;
    private static final long MARKED_AMONG = 1 << 15;
    private static final long SEED = 42;
    private static final BlockEntry BLOCK = new BlockEntry("pc.ram", BYTES, 0);

    /** What a kernel found out, so that no compiler leaves it out as dead. */
    private static volatile long used;

    /** Work over {@link #PAGES} pages, to be done again and again by one thread. The arena outlives it. */
    abstract Runnable work(Arena arena);

    /** The name in the table of floors. */
    String id() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    private static MemorySegment pages(Arena arena) {
        return arena.allocate(BYTES, PAGE);
    }

    private static MemorySegment random(Arena arena) {
        MemorySegment memory = pages(arena);
        Random random = new Random(SEED);
        for (long at = 0; at < BYTES; at += Long.BYTES) {
            memory.set(ValueLayout.JAVA_LONG, at, random.nextLong());
        }
        return memory;
    }

    private static Runnable zeroTest(MemorySegment memory, boolean expected) {
        return () -> {
            for (long at = 0; at < BYTES; at += PAGE) {
                if (ZeroPage.test(memory, at, PAGE) != expected) {
                    throw new IllegalStateException("zero test of the page at %d: expected %b".formatted(at, expected));
                }
            }
        };
    }

    private static MemorySegment changed(Arena arena, MemorySegment old, int bytes) {
        MemorySegment fresh = pages(arena).copyFrom(old);
        Random random = new Random(SEED);
        for (long at = 0; at < BYTES; at += PAGE) {
            for (int i = 0; i < bytes; i++) {
                fresh.set(ValueLayout.JAVA_BYTE, at + random.nextInt(PAGE), (byte) random.nextInt());
            }
        }
        return fresh;
    }

    private static Runnable encode(Arena arena, int changedBytes) {
        MemorySegment old = random(arena);
        MemorySegment fresh = changed(arena, old, changedBytes);
        MemorySegment out = arena.allocate(XbzrleEncoder.ROOM, 64);
        XbzrleEncoder encoder = new XbzrleEncoder();
        return () -> {
            long sum = 0;
            for (long at = 0; at < BYTES; at += PAGE) {
                sum += encoder.encode(old, at, fresh, at, out, 0);
            }
            used = sum;
        };
    }

    /** Buffers that hold a batch of the JVM's own library, from where its code is. */
    private static BatchBuffers library() {
        Path library = Path.of(System.getProperty("java.home"), "lib", "server", "libjvm.so");
        BatchBuffers buffers = new BatchBuffers(BYTES, BatchBuffers.worstCase(BYTES));
        try (var in = Files.newByteChannel(library)) {
            in.position(in.size() / 2);
            while (in.read(buffers.plain().asByteBuffer()) < BYTES) {
                in.position(in.size() / 2);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return buffers;
    }

    private static Runnable pack(Compressor compressor) {
        BatchBuffers buffers = library();
        return () -> used = compressor.compress(buffers, BYTES);
    }

    private static PageRecordWriter writer(MemoryConnection connection) {
        return new PageRecordWriter(new StreamWriter(connection), List.of(BLOCK));
    }

    private static void write(PageRecordWriter writer, MemorySegment ram) {
        try {
            for (long at = 0; at < BYTES; at += PAGE) {
                writer.page(0, at, ram);
            }
            writer.flush();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
