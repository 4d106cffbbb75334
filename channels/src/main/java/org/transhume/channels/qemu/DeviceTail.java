package org.transhume.channels.qemu;

import java.util.Arrays;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Device state: the records after RAM's last footer, without looking into them (spec: stream.md §1.4). Whoever hands arrays
 * in or takes them out leaves them as they are.
 */
public final class DeviceTail {
    public static final DeviceTail EMPTY = new DeviceTail(new byte[0], null);

    private final byte[] sections;
    private final byte[] description;

    /**
     * @param sections all records before the EOF byte
     * @param description the JSON behind the EOF byte, or null where there is none
     */
    public DeviceTail(byte[] sections, byte[] description) {
        this.sections = sections;
        this.description = description;
    }

    public byte[] sections() {
        return sections;
    }

    /** Null where none came. */
    public byte[] description() {
        return description;
    }

    /** As it travels: sections, EOF, description. */
    public byte[] toBytes() {
        byte[] closing = closing();
        byte[] all = Arrays.copyOf(sections, sections.length + closing.length);
        System.arraycopy(closing, 0, all, sections.length, closing.length);
        return all;
    }

    /** The EOF byte and what follows it. Whoever receives its first byte may start the guest. */
    public byte[] closing() {
        if (description == null) {
            return new byte[] {Wire.EOF};
        }
        int n = description.length;
        byte[] closing = new byte[6 + n];
        closing[0] = Wire.EOF;
        closing[1] = Wire.VMDESCRIPTION;
        for (int i = 0; i < Integer.BYTES; i++) {
            closing[2 + i] = (byte) (n >>> (24 - 8 * i));
        }
        System.arraycopy(description, 0, closing, 6, n);
        return closing;
    }

    /** Ids of the sections in it, which RAM's must not be one of. */
    public Set<Integer> sectionIds() {
        DeviceTailParser parser = new DeviceTailParser("device state", 0);
        byte[] bytes = toBytes();
        parser.append(bytes, bytes.length);
        parser.advance(true);
        return parser.sections().stream().map(DeviceSection::id).collect(Collectors.toSet());
    }

    /** Splits bytes that {@link #toBytes} gave, or that were captured from a stream. */
    public static DeviceTail parse(byte[] bytes) {
        DeviceTailParser parser = new DeviceTailParser("device state", 0);
        parser.append(bytes, bytes.length);
        parser.advance(true);
        return parser.tail();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof DeviceTail that
                && Arrays.equals(sections, that.sections)
                && Arrays.equals(description, that.description);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(sections);
    }

    @Override
    public String toString() {
        return "DeviceTail[%d bytes, description %s]"
                .formatted(sections.length, description == null ? "none" : description.length + " bytes");
    }
}
