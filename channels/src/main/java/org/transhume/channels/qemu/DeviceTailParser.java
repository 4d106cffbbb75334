package org.transhume.channels.qemu;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Finds the end of the device state in a stream that stays open, and its sections. Payloads carry no length and only their
 * device knows them: a section ends at the first footer with its id behind which a plausible record stands (spec: stream.md
 * §1.4). Bytes are appended as they come; {@link #advance} goes as far as they reach.
 */
public final class DeviceTailParser {
    /** A peer that sends more device state than this is refused. */
    public static final int MAX_BYTES = 256 << 20;

    private static final int FOOTER_BYTES = 5;
    private static final int MAX_DESCRIPTION = 64 << 20;

    private final String channel;
    private final long base;
    private final List<DeviceSection> sections = new ArrayList<>();
    private final Set<Integer> started = new HashSet<>(); // ids of sections that go on in parts
    private byte[] bytes = new byte[64 << 10];
    private int length;
    private int at; // everything before it is understood
    private int searchFrom = -1; // where to go on looking for the footer of the section at `at`
    private int eof = -1;
    private int descriptionLength = -1;
    private boolean complete;
    private boolean endsHere;

    /** @param base offset of the first byte in its channel, for errors */
    public DeviceTailParser(String channel, long base) {
        this.channel = channel;
        this.base = base;
    }

    public void append(byte[] from, int count) {
        if (length + (long) count > MAX_BYTES) {
            throw corrupt(length, "more than %d bytes of device state".formatted(MAX_BYTES));
        }
        if (length + count > bytes.length) {
            bytes = Arrays.copyOf(bytes, Math.max(length + count, (int) Math.min(MAX_BYTES, bytes.length * 2L)));
        }
        System.arraycopy(from, 0, bytes, length, count);
        length += count;
    }

    /**
     * Understands as much as is there.
     *
     * @param ended whether no more bytes will come
     * @return whether the tail is complete, with its description or, if {@code ended}, without
     * @throws CorruptStreamException if what is there cannot be the beginning of a tail, or has ended too early
     */
    public boolean advance(boolean ended) {
        endsHere = false;
        boolean moved = true;
        while (moved && !complete) {
            moved = step(ended);
        }
        if (!complete && ended) {
            throw corrupt(
                    length,
                    eof < 0
                            ? "the stream ends inside the device state, %s"
                                    .formatted(
                                            at == length ? "expected a section or the end" : "after " + lastSection())
                            : "the stream ends inside the device description");
        }
        return complete;
    }

    /** Whether the tail would be complete, without a description, if nothing more came. */
    public boolean mayEndHere() {
        return endsHere || (eof >= 0 && length == eof + 1);
    }

    /** Bytes behind the end of a tail that is complete. */
    public int surplus() {
        return length - at;
    }

    public List<DeviceSection> sections() {
        return List.copyOf(sections);
    }

    public DeviceTail tail() {
        byte[] description =
                descriptionLength < 0 ? null : Arrays.copyOfRange(bytes, eof + 6, eof + 6 + descriptionLength);
        return new DeviceTail(Arrays.copyOf(bytes, eof), description);
    }

    private boolean step(boolean ended) {
        if (eof >= 0) {
            return description(ended);
        }
        if (at == length) {
            return false;
        }
        return switch (bytes[at]) {
            case Wire.EOF -> {
                eof = at;
                yield true;
            }
            case Wire.SECTION_START, Wire.SECTION_FULL -> section(ended);
            case Wire.SECTION_PART, Wire.SECTION_END -> continuation(ended);
            default ->
                throw corrupt(
                        at, "section type 0x%x among the devices, expected 0x00 to 0x04".formatted(bytes[at] & 0xff));
        };
    }

    private boolean description(boolean ended) {
        int start = eof + 1;
        if (length == start) {
            complete = ended;
            at = start;
            return false;
        }
        if (bytes[start] != Wire.VMDESCRIPTION) {
            throw corrupt(start, "byte 0x%x behind the end, expected the description".formatted(bytes[start] & 0xff));
        }
        if (length < start + 5) {
            return false;
        }
        int n = be32(start + 1);
        if (n < 0 || n > MAX_DESCRIPTION) {
            throw corrupt(start + 1, "description of %d bytes, expected 0..%d".formatted(n, MAX_DESCRIPTION));
        }
        if (length - (start + 5) < n) {
            return false;
        }
        descriptionLength = n;
        at = start + 5 + n;
        complete = true;
        return false;
    }

    private boolean section(boolean ended) {
        if (length < at + 6) {
            return false;
        }
        int name = bytes[at + 5] & 0xff;
        int payload = at + 6 + name + 8;
        if (length < payload) {
            return false;
        }
        int id = be32(at + 1);
        if (bytes[at] == Wire.SECTION_START) {
            started.add(id); // before the search: its next part may stand right behind its footer
        }
        int end = footer(id, payload, ended);
        if (end < 0) {
            return false;
        }
        String text = new String(bytes, at + 6, name, java.nio.charset.StandardCharsets.ISO_8859_1);
        sections.add(new DeviceSection(id, text, be32(payload - 8), be32(payload - 4), at, end - at));
        return take(end);
    }

    private boolean continuation(boolean ended) {
        if (length < at + 5) {
            return false;
        }
        int id = be32(at + 1);
        if (!started.contains(id)) {
            throw corrupt(at, "part of section %d, which was never started".formatted(id));
        }
        int end = footer(id, at + 5, ended);
        return end >= 0 && take(end);
    }

    private boolean take(int end) {
        at = end;
        searchFrom = -1;
        return true;
    }

    /** @return the end of the footer with this id, or -1 if it is not there yet */
    private int footer(int id, int payload, boolean ended) {
        int from = Math.max(payload, searchFrom);
        for (int i = from; i + FOOTER_BYTES <= length; i++) {
            if (bytes[i] == Wire.SECTION_FOOTER && be32(i + 1) == id) {
                int verdict = plausible(i + FOOTER_BYTES, ended);
                if (verdict > 0) {
                    return i + FOOTER_BYTES;
                }
                if (verdict == 0) {
                    searchFrom = i;
                    return -1;
                }
            }
            searchFrom = i + 1;
        }
        return -1;
    }

    /** @return 1 a record can start here, -1 none can, 0 it takes more bytes to tell */
    private int plausible(int next, boolean ended) {
        if (next >= length) {
            return ended ? -1 : 0;
        }
        return switch (bytes[next]) {
            case Wire.EOF -> plausibleEnd(next + 1, ended);
            case Wire.SECTION_START, Wire.SECTION_FULL -> plausibleSection(next, ended);
            case Wire.SECTION_PART, Wire.SECTION_END ->
                length < next + 5 ? (ended ? -1 : 0) : started.contains(be32(next + 1)) ? 1 : -1;
            default -> -1;
        };
    }

    private int plausibleEnd(int next, boolean ended) {
        if (next == length) {
            endsHere = true; // unless more comes: then it was only part of a payload, or has a description
            return ended ? 1 : 0;
        }
        if (bytes[next] != Wire.VMDESCRIPTION) {
            return -1;
        }
        if (length < next + 6) {
            return ended ? 1 : 0;
        }
        return bytes[next + 5] == '{' ? 1 : -1;
    }

    private int plausibleSection(int next, boolean ended) {
        if (length < next + 6) {
            return ended ? -1 : 0;
        }
        int name = bytes[next + 5] & 0xff;
        if (name == 0) {
            return -1;
        }
        int known = Math.min(length, next + 6 + name);
        for (int i = next + 6; i < known; i++) {
            if (bytes[i] < 0x20 || bytes[i] > 0x7e) {
                return -1;
            }
        }
        return known == next + 6 + name ? 1 : ended ? -1 : 0;
    }

    private String lastSection() {
        return sections.isEmpty()
                ? "RAM"
                : "device '%s'".formatted(sections.getLast().name());
    }

    private int be32(int at) {
        return (bytes[at] & 0xff) << 24
                | (bytes[at + 1] & 0xff) << 16
                | (bytes[at + 2] & 0xff) << 8
                | (bytes[at + 3] & 0xff);
    }

    private CorruptStreamException corrupt(int where, String what) {
        return new CorruptStreamException(channel, base + where, what);
    }
}
