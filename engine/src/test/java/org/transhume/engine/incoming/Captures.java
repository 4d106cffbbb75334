package org.transhume.engine.incoming;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPInputStream;
import org.transhume.channels.qemu.MultifdMethod;

/** Streams of real QEMUs and what they must lead to. */
final class Captures {
    record Block(long size, String sha256) {}

    private Captures() {}

    /** The connections of a migration, main first. */
    static List<byte[]> streams(String fixture) {
        if (fixture.startsWith("multifd")) {
            return List.of(
                    unzipped(fixture + "/main.bin.gz"),
                    unzipped(fixture + "/channel-0.bin.gz"),
                    unzipped(fixture + "/channel-1.bin.gz"));
        }
        return List.of(unzipped(fixture.contains("return-path") ? fixture + "/forward.bin.gz" : fixture + ".bin.gz"));
    }

    /** What {@code multifd-compression} was. */
    static MultifdMethod method(String fixture) {
        return fixture.contains("zlib")
                ? MultifdMethod.ZLIB
                : fixture.contains("zstd") ? MultifdMethod.ZSTD : MultifdMethod.NONE;
    }

    static byte[] unzipped(String name) {
        try (InputStream in = new GZIPInputStream(Captures.class.getResourceAsStream("/qemu/" + name))) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static Map<String, Block> expected(String fixture) {
        Map<String, Block> blocks = new LinkedHashMap<>();
        try (InputStream in = Captures.class.getResourceAsStream("/qemu/expected.tsv")) {
            for (String line : new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .toList()) {
                List<String> fields = new ArrayList<>(List.of(line.split("\t")));
                if (fields.get(0).equals(fixture)) {
                    blocks.put(fields.get(1), new Block(Long.parseLong(fields.get(2)), fields.get(3)));
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return blocks;
    }
}
