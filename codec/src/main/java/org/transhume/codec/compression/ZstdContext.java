package org.transhume.codec.compression;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.util.Native;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Objects;
import org.transhume.codec.CorruptDataException;

/**
 * A compressing or decompressing context of libzstd, and how far it came in an input and an output. One thread at a time.
 *
 * <p>The library is the one in zstd-jni's jar, the calls are our own: on a JDK from 22 on, zstd-jni wraps both buffers in new
 * objects for every call, and a call here leaves none. It finds the library where zstd-jni's class loader is ours.
 */
final class ZstdContext implements AutoCloseable {
    private static final ValueLayout.OfLong SIZE = ValueLayout.JAVA_LONG;
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
    private static final MemoryLayout POINTER = ValueLayout.ADDRESS;

    private static final int COMPRESSION_LEVEL = 100; // ZSTD_c_compressionLevel
    private static final int WINDOW_LOG_MAX = 100; // ZSTD_d_windowLogMax
    private static final int STABLE_INPUT = 1006; // ZSTD_c_stableInBuffer
    private static final int FLUSH = 1; // ZSTD_e_flush
    private static final int END = 2; // ZSTD_e_end

    static {
        Native.load(); // before the first symbol is looked up
    }

    private static final MethodHandle CREATE_COMPRESSING = function("ZSTD_createCCtx", POINTER);
    private static final MethodHandle CREATE_DECOMPRESSING = function("ZSTD_createDCtx", POINTER);
    private static final MethodHandle FREE_COMPRESSING = function("ZSTD_freeCCtx", SIZE, POINTER);
    private static final MethodHandle FREE_DECOMPRESSING = function("ZSTD_freeDCtx", SIZE, POINTER);
    private static final MethodHandle SET_COMPRESSING = function("ZSTD_CCtx_setParameter", SIZE, POINTER, INT, INT);
    private static final MethodHandle SET_DECOMPRESSING = function("ZSTD_DCtx_setParameter", SIZE, POINTER, INT, INT);
    private static final MethodHandle COMPRESS = function(
            "ZSTD_compressStream2_simpleArgs", SIZE, POINTER, POINTER, SIZE, POINTER, POINTER, SIZE, POINTER, INT);
    private static final MethodHandle DECOMPRESS =
            function("ZSTD_decompressStream_simpleArgs", SIZE, POINTER, POINTER, SIZE, POINTER, POINTER, SIZE, POINTER);

    private final Arena arena = Arena.ofShared();
    private final MemorySegment context;
    private final MemorySegment written = arena.allocate(SIZE);
    private final MemorySegment read = arena.allocate(SIZE);

    private ZstdContext(MethodHandle create, MethodHandle free) {
        MemorySegment made;
        try {
            made = (MemorySegment) create.invokeExact();
        } catch (Throwable e) {
            throw new LinkageError("zstd", e);
        }
        if (made.address() == 0) {
            arena.close();
            throw new OutOfMemoryError("zstd has no memory for a context");
        }
        context = made.reinterpret(arena, address -> free(free, address));
    }

    /** @param level 0 is the library's default */
    static ZstdContext compressing(int level) {
        return new ZstdContext(CREATE_COMPRESSING, FREE_COMPRESSING).with(SET_COMPRESSING, COMPRESSION_LEVEL, level);
    }

    /**
     * As {@link #compressing}, with its window in the input: that of a frame is one, lies where it is, and each step goes on
     * where the one before ended.
     */
    static ZstdContext compressingInPlace(int level) {
        return compressing(level).with(SET_COMPRESSING, STABLE_INPUT, 1);
    }

    /** @param maxWindowLog the largest window that a frame may ask for, as a power of two */
    static ZstdContext decompressing(int maxWindowLog) {
        return new ZstdContext(CREATE_DECOMPRESSING, FREE_DECOMPRESSING)
                .with(SET_DECOMPRESSING, WINDOW_LOG_MAX, maxWindowLog);
    }

    /** The next step reads its input from {@code read} on, and fills its output from {@code written} on. */
    void moveTo(long read, long written) {
        this.read.set(SIZE, 0, read);
        this.written.set(SIZE, 0, written);
    }

    /** Bytes of the input that are used up. */
    int read() {
        return (int) read.get(SIZE, 0);
    }

    /** Bytes of the output that are filled. */
    int written() {
        return (int) written.get(SIZE, 0);
    }

    /**
     * Whether all of the input is in the output now.
     *
     * @param last whether the frame ends with it
     */
    boolean compressAndFlush(
            MemorySegment output, long outputBytes, MemorySegment input, long inputBytes, boolean last) {
        checkBounds(output, outputBytes, input, inputBytes);
        long result;
        try {
            result = (long) COMPRESS.invokeExact(
                    context, output, outputBytes, written, input, inputBytes, read, last ? END : FLUSH);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new LinkageError("zstd", e);
        }
        if (Zstd.isError(result)) {
            throw new IllegalStateException("zstd: " + Zstd.getErrorName(result));
        }
        return result == 0;
    }

    /** Whether a frame ends here: the step goes no further. */
    boolean decompress(MemorySegment output, long outputBytes, MemorySegment input, long inputBytes) {
        checkBounds(output, outputBytes, input, inputBytes);
        long result;
        try {
            result = (long) DECOMPRESS.invokeExact(context, output, outputBytes, written, input, inputBytes, read);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new LinkageError("zstd", e);
        }
        if (Zstd.isError(result)) {
            throw new CorruptDataException(
                    "zstd stream, byte %d of %d: %s".formatted(read(), inputBytes, Zstd.getErrorName(result)));
        }
        return result == 0;
    }

    /** Native code believes what it is told. */
    private static void checkBounds(MemorySegment output, long outputBytes, MemorySegment input, long inputBytes) {
        Objects.checkFromIndexSize(0, outputBytes, output.byteSize());
        Objects.checkFromIndexSize(0, inputBytes, input.byteSize());
    }

    /** Idempotent. */
    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }

    private ZstdContext with(MethodHandle set, int parameter, int value) {
        long result;
        try {
            result = (long) set.invokeExact(context, parameter, value);
        } catch (Throwable e) {
            throw new LinkageError("zstd", e);
        }
        if (Zstd.isError(result)) {
            close();
            throw new IllegalArgumentException("zstd: %s (%d)".formatted(Zstd.getErrorName(result), value));
        }
        return this;
    }

    private static void free(MethodHandle free, MemorySegment context) {
        try {
            long _ = (long) free.invokeExact(context);
        } catch (Throwable e) {
            throw new LinkageError("zstd", e);
        }
    }

    private static MethodHandle function(String name, MemoryLayout result, MemoryLayout... arguments) {
        MemorySegment symbol = SymbolLookup.loaderLookup()
                .find(name)
                .orElseThrow(
                        () -> new UnsatisfiedLinkError(name + ": expected zstd-jni in the class loader of Transhume"));
        return Linker.nativeLinker().downcallHandle(symbol, FunctionDescriptor.of(result, arguments));
    }
}
