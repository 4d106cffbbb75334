package org.transhume.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.transhume.channels.qemu.DeviceTail;

class DeviceSectionsTest {
    /** Behind whatever stands in front of it, a footer, as of device state that another device might hold. */
    private static final byte[] LOOK_ALIKE = HexFormat.of().parseHex("7e000000020400000003");

    @Test
    void everyDeviceGetsBackWhatItSaved() {
        DeviceTail tail =
                new DeviceSections(List.of(new Box("clock", LOOK_ALIKE), new Box("disk", new byte[0]))).save();
        Box clock = new Box("clock", null);
        Box disk = new Box("disk", null);

        new DeviceSections(List.of(disk, clock)).load(DeviceTail.parse(tail.toBytes()));

        assertArrayEquals(LOOK_ALIKE, clock.state);
        assertArrayEquals(new byte[0], disk.state);
        assertEquals(3, clock.loadedVersion);
    }

    @Test
    void theSectionIsFramedAsTheStreamWantsIt() {
        DeviceTail tail = new DeviceSections(List.of(new Box("ab", new byte[] {9, 8}))).save();

        assertEquals(
                "04 00000002 02 6162 00000000 00000003 00000002 0908 7e 00000002".replace(" ", ""),
                HexFormat.of().formatHex(tail.sections()));
        String json = new String(tail.description(), StandardCharsets.US_ASCII);
        assertTrue(json.startsWith("{\"page_size\":4096,\"devices\":[{\"name\":\"ab\",\"instance_id\":0"), json);
        assertTrue(json.contains("\"size\":4},") && json.contains("\"size\":2}"), json);
    }

    static Stream<Arguments> damages() {
        return Stream.of(
                damage("section type", "section type 3", b -> b[0] = 3),
                damage("length beyond the end", "section type 4", b -> b[19] = 100),
                damage("negative length", "section type 4", b -> b[16] = (byte) 0xff),
                damage("length one short", "no footer", b -> b[19] = 1),
                damage("no footer", "no footer", b -> b[22] = 0),
                damage("footer of another", "no footer", b -> b[26] = 9),
                damage("another name", "device 'ab' is missing", b -> b[6] = 'x'),
                damage("longer name", "device", b -> b[5] = (byte) 0xff));
    }

    private static Arguments damage(String what, String message, Consumer<byte[]> damage) {
        return Arguments.of(what, message, damage);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("damages")
    void damagedStateIsRefusedBeforeAnyDeviceIsTouched(String what, String message, Consumer<byte[]> damage) {
        byte[] bytes = new DeviceSections(List.of(new Box("ab", new byte[] {9, 8})))
                .save()
                .sections();
        damage.accept(bytes);

        refused(bytes, message);
    }

    @Test
    void aCutAnywhereIsRefused() {
        byte[] whole = new DeviceSections(List.of(new Box("ab", new byte[] {9, 8})))
                .save()
                .sections();
        for (int cut = 0; cut < whole.length; cut++) {
            refused(Arrays.copyOf(whole, cut), "");
        }
    }

    @Test
    void aDeviceThatCameTwiceOrThatNobodyKnowsIsRefused() {
        byte[] once = new DeviceSections(List.of(new Box("ab", new byte[] {9, 8})))
                .save()
                .sections();
        byte[] twice = Arrays.copyOf(once, 2 * once.length);
        System.arraycopy(once, 0, twice, once.length, once.length);
        byte[] other = new DeviceSections(List.of(new Box("ab", new byte[1]), new Box("cd", new byte[1])))
                .save()
                .sections();

        refused(twice, "twice");
        refused(other, "expected [ab]");
    }

    private static void refused(byte[] sections, String message) {
        Box device = new Box("ab", null);

        String came = assertThrows(
                        IllegalArgumentException.class,
                        () -> new DeviceSections(List.of(device)).load(new DeviceTail(sections, null)))
                .getMessage();
        assertTrue(came.contains(message) && came.lines().count() == 1, came);
        assertEquals(0, device.loadedVersion, "it was loaded all the same");
    }

    @Test
    void aDeviceThatCannotLoadItsStateIsNamed() {
        DeviceTail tail = new DeviceSections(List.of(new Box("ab", new byte[1]))).save();
        Box device = new Box("ab", null) {
            @Override
            public void load(InputStream in, int version) throws IOException {
                throw new IOException("version 3, expected 4");
            }
        };

        UncheckedIOException refusal =
                assertThrows(UncheckedIOException.class, () -> new DeviceSections(List.of(device)).load(tail));

        assertTrue(refusal.getMessage().contains("'ab'"), refusal.getMessage());
    }

    private static class Box implements DeviceSections.Device {
        private final String name;
        private byte[] state;
        private int loadedVersion;

        Box(String name, byte[] state) {
            this.name = name;
            this.state = state;
        }

        @Override
        public String name() {
            return name;
        }

        @Override
        public int version() {
            return 3;
        }

        @Override
        public void save(OutputStream out) throws IOException {
            out.write(state);
        }

        @Override
        public void load(InputStream in, int version) throws IOException {
            state = in.readAllBytes();
            loadedVersion = version;
        }
    }
}
