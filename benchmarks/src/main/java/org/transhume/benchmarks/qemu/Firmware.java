package org.transhume.benchmarks.qemu;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HexFormat;

/** Guests of a few dozen bytes, as images for {@code -bios}: 64 KiB that the CPU sees below 1 MiB and where it starts. */
public final class Firmware {
    private static final int BYTES = 64 << 10;
    private static final int TIMER_HERTZ = 1000;

    private Firmware() {}

    /** One that halts. */
    public static byte[] idle() {
        byte[] image = new byte[BYTES];
        Arrays.fill(image, (byte) 0xf4); // hlt
        place(image, 0xfff0, "ea 00 00 00 f0"); //             jmp   F000:0000
        return image;
    }

    /** One that counts in a page here and there between 1 MiB and 1 GiB, with some rest between two. */
    public static byte[] scattered() {
        byte[] image = flat();
        place(image, 0x0028, "b8 78 56 34 12"); //             mov   eax, seed
        place(image, 0x002d, "69 c0 0d 66 19 00"); //    next: imul  eax, 1664525
        place(image, 0x0033, "05 5f f3 6e 3c"); //             add   eax, 1013904223
        place(image, 0x0038, "89 c7 81 e7 00 f0 ff 3f"); //    edi = eax & 0x3ffff000
        place(image, 0x0040, "81 cf 00 00 10 00"); //          or    edi, 1 MiB
        place(image, 0x0046, "ff 07"); //                      inc   dword [edi]
        place(image, 0x0048, "b9 00 00 04 00"); //             mov   ecx, 262144
        place(image, 0x004d, "e2 fe eb dc"); //          rest: loop  rest, jmp next
        return image;
    }

    /**
     * One that counts in each page from {@code start} to {@code end}, again and again, and sleeps in between.
     *
     * @param start address, a multiple of the page size from 1 MiB on
     * @param end address below 4 GiB
     * @param rate pages a second
     */
    public static byte[] sweep(long start, long end, int rate) {
        byte[] image = flat();
        place(image, 0x0028, "8e d0 bc 00 00 08 00"); //       ss = 0x10, esp = 512 KiB
        place(image, 0x002f, "0f 01 1d 30 01 0f 00"); //       lidt  [0xf0130]
        place(image, 0x0036, "b0 11 e6 20 b0 20 e6 21"); //    interrupts from 0x20 on
        place(image, 0x003e, "b0 04 e6 21 b0 01 e6 21");
        place(image, 0x0046, "b0 fe e6 21"); //                only the timer's
        place(image, 0x004a, "b0 34 e6 43 b0 a9 e6 40"); //    which comes every 1193 ticks, 1000 times a second
        place(image, 0x0052, "b0 04 e6 40");
        place(image, 0x0056, "c7 05 f0 00 e0 fe ff 01 00 00"); // the local APIC on, and its pin 0 the
        place(image, 0x0060, "c7 05 50 03 e0 fe 00 07 00 00"); // interrupts' of before
        place(image, 0x006a, "bf"); //                         mov   edi, start
        word(image, 0x006b, start);
        place(image, 0x006f, "fb f4"); //                tick: sti, hlt
        place(image, 0x0071, "b9"); //                         mov   ecx, pages
        word(image, 0x0072, rate / TIMER_HERTZ);
        place(image, 0x0076, "ff 07 81 c7 00 10 00 00"); // next: inc dword [edi], add edi, 4096
        place(image, 0x007e, "81 ff"); //                      cmp   edi, end
        word(image, 0x0080, end);
        place(image, 0x0084, "72 05 bf"); //                   jb    on; mov edi, start
        word(image, 0x0087, start);
        place(image, 0x008b, "e2 e9 eb e0"); //            on: loop  next, jmp tick
        place(image, 0x0130, "07 01 00 04 0f 00");
        place(image, 0x0200, "50 b0 20 e6 20 58 cf"); //       the timer's: end of interrupt, iret
        place(image, 0x0500, "00 02 08 00 00 8e 0f 00"); //    vector 0x20 of the table at 0xf0400
        return image;
    }

    /** One in flat 32-bit mode from 0xf0028 on. */
    private static byte[] flat() {
        byte[] image = new byte[BYTES];
        Arrays.fill(image, (byte) 0xf4); // hlt
        place(image, 0x0000, "fa 2e 66 0f 01 16 00 01"); //    cli, lgdt cs:[0x100]
        place(image, 0x0008, "0f 20 c0 0c 01 0f 22 c0"); //    cr0 |= 1
        place(image, 0x0010, "66 ea 20 00 0f 00 08 00"); //    jmp   8:0xf0020
        place(image, 0x0020, "66 b8 10 00 8e d8 8e c0"); //    ds = es = 0x10
        place(image, 0x0100, "17 00 10 01 0f 00");
        place(image, 0x0110, "00 00 00 00 00 00 00 00  ff ff 00 00 00 9b cf 00  ff ff 00 00 00 93 cf 00");
        place(image, 0xfff0, "ea 00 00 00 f0"); //             jmp   F000:0000
        return image;
    }

    private static void place(byte[] image, int at, String hex) {
        byte[] bytes = HexFormat.of().parseHex(hex.replace(" ", ""));
        System.arraycopy(bytes, 0, image, at, bytes.length);
    }

    private static void word(byte[] image, int at, long value) {
        ByteBuffer.wrap(image).order(ByteOrder.LITTLE_ENDIAN).putInt(at, (int) value);
    }
}
