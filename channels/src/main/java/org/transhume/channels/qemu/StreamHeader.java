package org.transhume.channels.qemu;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.UUID;

/**
 * What stands in front of the sections: machine, capabilities that both sides must share, UUID (spec: stream.md §1.1), and
 * the values of our extensions (docs/wire.md).
 *
 * @param machine versioned machine name, 1..255 bytes
 * @param capabilities names listed in {@code configuration/capabilities}, in their order
 * @param uuid of the guest, or null where none was sent
 * @param extensions our extensions that are on, with the version of each; all also stand in {@code capabilities}
 */
public record StreamHeader(
        String machine, List<String> capabilities, UUID uuid, SequencedMap<String, Long> extensions) {
    private static final String CAPABILITIES = "configuration/capabilities";
    private static final String PAGE_BITS = "configuration/target-page-bits";
    private static final String GUEST_UUID = "configuration/uuid";
    private static final String TRANSHUME = "configuration/transhume";

    private static final int EXTENSION_MAGIC = 0x5452_484D; // "TRHM"
    private static final int EXTENSION_VERSION = 1;
    private static final int MAX_NAMES = 64;
    private static final int MAX_MACHINE = 255;
    private static final int PAGE_BITS_X86 = 12;

    public StreamHeader {
        if (machine.isEmpty() || machine.length() > MAX_MACHINE) {
            throw new IllegalArgumentException(
                    "machine name of %d bytes: expected 1..%d".formatted(machine.length(), MAX_MACHINE));
        }
    }

    public StreamHeader(String machine) {
        this(machine, List.of(), null, new LinkedHashMap<>());
    }

    public Dialect dialect() {
        return Dialect.ofMachine(machine);
    }

    void write(StreamWriter out) throws IOException {
        out.be32(Wire.MAGIC).be32(Wire.VERSION).u8(Wire.CONFIGURATION).be32(machine.length());
        out.bytes(machine.getBytes(StandardCharsets.ISO_8859_1));
        if (!capabilities.isEmpty()) {
            out.u8(Wire.SUBSECTION).str8(CAPABILITIES).be32(1).be32(capabilities.size());
            for (String name : capabilities) {
                out.str8(name);
            }
        }
        if (uuid != null) {
            out.u8(Wire.SUBSECTION)
                    .str8(GUEST_UUID)
                    .be32(1)
                    .be64(uuid.getMostSignificantBits())
                    .be64(uuid.getLeastSignificantBits());
        }
        if (!extensions.isEmpty()) {
            out.u8(Wire.SUBSECTION).str8(TRANSHUME).be32(1);
            int bytes = 2;
            for (String name : extensions.keySet()) {
                bytes += 1 + name.length() + Long.BYTES;
            }
            out.be32(EXTENSION_MAGIC).be16(EXTENSION_VERSION).be32(bytes).be16(extensions.size());
            for (Map.Entry<String, Long> extension : extensions.entrySet()) {
                out.str8(extension.getKey()).be64(extension.getValue());
            }
        }
    }

    static StreamHeader read(StreamReader in) throws IOException {
        expect(in, in.offset(), "magic", in.be32(), Wire.MAGIC, "not a migration stream");
        expect(in, in.offset(), "version", in.be32(), Wire.VERSION, "no other version is spoken");
        expect(in, in.offset(), "type byte", in.u8(), Wire.CONFIGURATION, "the configuration section is missing");
        long at = in.offset();
        int length = in.be32();
        if (length < 1 || length > MAX_MACHINE) {
            throw in.corrupt(at, "machine name of %d bytes, expected 1..%d".formatted(length, MAX_MACHINE));
        }
        String machine = in.text(length);
        List<String> capabilities = List.of();
        UUID uuid = null;
        SequencedMap<String, Long> extensions = new LinkedHashMap<>();
        while (in.peek() == Wire.SUBSECTION) {
            at = in.offset();
            in.u8();
            String name = in.str8();
            expect(in, in.offset(), "version of " + name, in.be32(), 1, "no other version is known");
            switch (name) {
                case CAPABILITIES -> capabilities = readNames(in);
                case GUEST_UUID -> uuid = new UUID(in.be64(), in.be64());
                case PAGE_BITS -> expect(in, in.offset(), name, in.be32(), PAGE_BITS_X86, "only 4 KiB pages move");
                case TRANSHUME -> readExtensions(in, extensions);
                default -> throw in.corrupt(at, "configuration subsection '%s' is not known here".formatted(name));
            }
        }
        for (String name : extensions.keySet()) {
            if (!capabilities.contains(name)) {
                throw in.corrupt(at, "extension '%s' has a value but is not among the capabilities".formatted(name));
            }
        }
        return new StreamHeader(machine, capabilities, uuid, extensions);
    }

    private static List<String> readNames(StreamReader in) throws IOException {
        long at = in.offset();
        int count = in.be32();
        if (count < 0 || count > MAX_NAMES) {
            throw in.corrupt(at, "%d capabilities, expected 0..%d".formatted(count, MAX_NAMES));
        }
        List<String> names = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            names.add(in.str8());
        }
        return names;
    }

    private static void readExtensions(StreamReader in, Map<String, Long> extensions) throws IOException {
        expect(in, in.offset(), "magic of " + TRANSHUME, in.be32(), EXTENSION_MAGIC, "not an extension list");
        expect(in, in.offset(), "version of " + TRANSHUME, in.be16(), EXTENSION_VERSION, "no other version is known");
        long at = in.offset();
        int bytes = in.be32();
        long start = in.offset();
        int count = in.be16();
        if (count > MAX_NAMES) {
            throw in.corrupt(start, "%d extensions, expected 0..%d".formatted(count, MAX_NAMES));
        }
        for (int i = 0; i < count; i++) {
            extensions.put(in.str8(), in.be64());
        }
        if (in.offset() - start != bytes) {
            throw in.corrupt(
                    at, "extension list says %d bytes, its entries take %d".formatted(bytes, in.offset() - start));
        }
    }

    private static void expect(StreamReader in, long at, String what, int came, int expected, String remedy) {
        if (came != expected) {
            throw in.corrupt(at, "%s 0x%x, expected 0x%x: %s".formatted(what, came, expected, remedy));
        }
    }
}
