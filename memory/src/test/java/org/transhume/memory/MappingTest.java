package org.transhume.memory;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.Pipe;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

@Timeout(30)
class MappingTest {
    @RegisterExtension
    final GivesBackEverything givesBackEverything = new GivesBackEverything();

    @Test
    void waitsWithTheUnmappingForASystemCallThatStillUsesIt() throws IOException, InterruptedException {
        Mapping mapping = Mapping.anonymous("ram", PageSize.BYTES);
        Pipe pipe = Pipe.open();
        try (Pipe.SourceChannel source = pipe.source();
                Pipe.SinkChannel sink = pipe.sink()) {
            ByteBuffer target = mapping.segment().asByteBuffer();
            AtomicInteger read = new AtomicInteger();
            Thread reader = Thread.ofPlatform().start(() -> {
                try {
                    read.set(source.read(target));
                } catch (IOException failure) {
                    throw new UncheckedIOException(failure);
                }
            });
            await(() -> Arrays.stream(reader.getStackTrace()).anyMatch(StackTraceElement::isNativeMethod));
            Thread closer = Thread.ofPlatform().start(mapping::close);
            await(() -> closer.getState() == Thread.State.TIMED_WAITING);

            sink.write(ByteBuffer.wrap(new byte[] {1, 2, 3}));
            reader.join();
            closer.join();

            assertEquals(3, read.get());
            assertThrows(IllegalStateException.class, () -> mapping.segment().get(JAVA_BYTE, 0));
        }
    }

    private static void await(BooleanSupplier condition) {
        while (!condition.getAsBoolean()) {
            Thread.onSpinWait();
        }
    }
}
