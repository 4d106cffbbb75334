package org.transhume.control.interop;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

/**
 * What a QEMU runs.
 *
 * @param ramBytes size of its RAM
 * @param arguments of QEMU that make it
 */
record QemuGuest(long ramBytes, List<String> arguments) {
    /** Where {@link #dirtying} counts its rounds: the first word of each of its pages. */
    static final long COUNTER = 0x40_0000;

    /**
     * Firmware of our own and nothing else: it is as large as QEMU wants the smallest firmware to be, 64 KiB, and ends at
     * 4 GiB, its copy at 1 MiB. Copies of the guest share {@code folder}.
     */
    static QemuGuest dirtying(Path folder) throws IOException {
        Path firmware = folder.resolve("firmware");
        if (Files.notExists(firmware)) {
            Files.write(firmware, firmware());
        }
        return new QemuGuest(32 << 20, List.of("-bios", firmware.toString()));
    }

    /**
     * The Linux that {@code GUEST_KERNEL} and {@code GUEST_INITRD} name: its console says GUEST-UP, then {@code tick N ok}
     * for as long as the memory it checks is what it was.
     */
    static QemuGuest linux() {
        String kernel = System.getenv("GUEST_KERNEL");
        String initrd = System.getenv("GUEST_INITRD");
        assumeTrue(kernel != null && initrd != null, "no Linux guest: GUEST_KERNEL and GUEST_INITRD are not set");
        return new QemuGuest(
                160 << 20, List.of("-kernel", kernel, "-initrd", initrd, "-append", "console=ttyS0 quiet panic=-1"));
    }

    private static byte[] firmware() {
        byte[] image = new byte[64 << 10];
        Arrays.fill(image, (byte) 0xf4); // hlt
        // 16 bit, at F000:0000: into flat protected mode
        place(image, 0x0000, "fa"); //                         cli
        place(image, 0x0001, "2e 66 0f 01 16 00 01"); //       lgdt  cs:[0x100]
        place(image, 0x0008, "0f 20 c0 0c 01 0f 22 c0"); //    cr0 |= 1
        place(image, 0x0010, "66 ea 20 00 0f 00 08 00"); //    jmp   8:0xf0020
        // 32 bit: noise at 2 MiB, written once
        place(image, 0x0020, "66 b8 10 00 8e d8 8e c0"); //    ds = es = 0x10
        place(image, 0x0028, "bf 00 00 20 00"); //             mov   edi, 0x200000
        place(image, 0x002d, "b9 00 c0 00 00"); //             mov   ecx, 192 KiB / 4
        place(image, 0x0032, "b8 78 56 34 12"); //             mov   eax, seed
        place(image, 0x0037, "69 c0 0d 66 19 00"); //     fill: imul  eax, 1664525
        place(image, 0x003d, "05 5f f3 6e 3c"); //             add   eax, 1013904223
        place(image, 0x0042, "ab e2 f2"); //                   stosd, loop fill
        // For ever: in each hot page count the round and leave some noise
        place(image, 0x0045, "bf 00 00 40 00"); //       round: mov   edi, COUNTER
        place(image, 0x004a, "b9 40 00 00 00"); //             mov   ecx, 64 pages
        place(image, 0x004f, "69 c0 0d 66 19 00"); //     page: imul  eax, 1664525
        place(image, 0x0055, "05 5f f3 6e 3c"); //             add   eax, 1013904223
        place(image, 0x005a, "ff 07"); //                      inc   dword [edi]
        place(image, 0x005c, "89 87 00 08 00 00"); //          mov   [edi + 0x800], eax
        place(image, 0x0062, "81 c7 00 10 00 00"); //          add   edi, 0x1000
        place(image, 0x0068, "e2 e5 eb d9"); //                loop page, jmp round
        // The descriptor table: its length and address, then nothing, flat code, flat data
        place(image, 0x0100, "17 00 10 01 0f 00");
        place(image, 0x0110, "00 00 00 00 00 00 00 00  ff ff 00 00 00 9b cf 00  ff ff 00 00 00 93 cf 00");
        // Where a CPU starts
        place(image, 0xfff0, "ea 00 00 00 f0"); //             jmp   F000:0000
        return image;
    }

    private static void place(byte[] image, int at, String hex) {
        byte[] bytes = HexFormat.of().parseHex(hex.replace(" ", ""));
        System.arraycopy(bytes, 0, image, at, bytes.length);
    }
}
