package org.transhume.engine;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.transhume.channels.qemu.DeviceTail;

/**
 * Device state of a guest of ours, framed as the stream wants it: a section for each device, its payload behind its length
 * (docs/wire.md). Devices are saved in their order and found again by name.
 */
public final class DeviceSections {
    /** One device. */
    public interface Device {
        /** Unique among the devices, 1..255 printable characters. */
        String name();

        /** Of the format that {@link #save} writes. */
        int version();

        void save(OutputStream out) throws IOException;

        /**
         * Takes on a state that {@link #save} wrote, here or in another version of this program.
         *
         * @param version of the format that came; refuse what is not known
         */
        void load(InputStream in, int version) throws IOException;
    }

    private static final int SECTION_FULL = 0x04;
    private static final int SECTION_FOOTER = 0x7e;
    private static final int FIRST_ID = 2;

    private final List<Device> devices;

    public DeviceSections(List<Device> devices) {
        this.devices = List.copyOf(devices);
    }

    public DeviceTail save() {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        List<String> described = new ArrayList<>();
        try {
            DataOutputStream out = new DataOutputStream(bytes);
            int id = FIRST_ID;
            for (Device device : devices) {
                ByteArrayOutputStream payload = new ByteArrayOutputStream();
                device.save(payload);
                out.writeByte(SECTION_FULL);
                out.writeInt(id);
                out.writeByte(device.name().length());
                out.writeBytes(device.name());
                out.writeInt(0);
                out.writeInt(device.version());
                out.writeInt(payload.size());
                payload.writeTo(out);
                out.writeByte(SECTION_FOOTER);
                out.writeInt(id++);
                described.add(
                        "{\"name\":\"%s\",\"instance_id\":0,\"vmsd_name\":\"%s\",\"version\":%d,\"fields\":[{\"name\":\"length\",\"type\":\"uint32\",\"size\":4},{\"name\":\"state\",\"type\":\"buffer\",\"size\":%d}]}"
                                .formatted(device.name(), device.name(), device.version(), payload.size()));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        String json = "{\"page_size\":4096,\"devices\":[" + String.join(",", described) + "]}";
        return new DeviceTail(bytes.toByteArray(), json.getBytes(StandardCharsets.US_ASCII));
    }

    /** Loads every device; one that is missing, unknown or of a wrong length is refused before any is loaded. */
    public void load(DeviceTail tail) {
        Map<String, Section> sections = split(tail.sections());
        for (Device device : devices) {
            if (!sections.containsKey(device.name())) {
                throw new IllegalArgumentException("device '%s' is missing, %s came: start both sides alike"
                        .formatted(device.name(), sections.keySet()));
            }
        }
        if (sections.size() != devices.size()) {
            throw new IllegalArgumentException("devices %s came, expected %s: start both sides alike"
                    .formatted(
                            sections.keySet(),
                            devices.stream().map(Device::name).toList()));
        }
        for (Device device : devices) {
            Section section = sections.get(device.name());
            try {
                device.load(section.payload, section.version);
            } catch (IOException e) {
                throw new UncheckedIOException("device '%s' could not be loaded".formatted(device.name()), e);
            }
        }
    }

    private record Section(int version, InputStream payload) {}

    private static Map<String, Section> split(byte[] bytes) {
        Map<String, Section> sections = new LinkedHashMap<>();
        DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes));
        try {
            while (in.available() > 0) {
                int type = in.readUnsignedByte();
                int id = in.readInt();
                String name = new String(in.readNBytes(in.readUnsignedByte()), StandardCharsets.ISO_8859_1);
                in.readInt();
                int version = in.readInt();
                int length = in.readInt();
                if (type != SECTION_FULL || length < 0 || length > in.available()) {
                    throw new IllegalArgumentException(
                            "device '%s': section type %d with %d bytes of %d, expected a state written by this program"
                                    .formatted(name, type, length, in.available()));
                }
                InputStream payload = new ByteArrayInputStream(in.readNBytes(length));
                if (in.readUnsignedByte() != SECTION_FOOTER || in.readInt() != id) {
                    throw new IllegalArgumentException(
                            "device '%s': no footer behind its %d bytes".formatted(name, length));
                }
                if (sections.put(name, new Section(version, payload)) != null) {
                    throw new IllegalArgumentException("device '%s' came twice".formatted(name));
                }
            }
        } catch (IOException e) {
            throw new IllegalArgumentException("the device state ends inside a section", e);
        }
        return sections;
    }
}
