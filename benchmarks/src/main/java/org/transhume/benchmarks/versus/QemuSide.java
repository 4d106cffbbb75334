package org.transhume.benchmarks.versus;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.transhume.benchmarks.qemu.Firmware;
import org.transhume.benchmarks.qemu.Qemu;

/** A QEMU with RAM as {@code -m} gives it, in private memory, which the kernel may put in huge pages. */
record QemuSide(Qemu qemu) implements Side {
    @Override
    public String name() {
        return "QEMU";
    }

    @Override
    public List<String> command(Work work, int scale, boolean arrives, Path socket, int guests) throws IOException {
        if (guests != 1) {
            throw new IllegalArgumentException("guests=%d: a QEMU has 1".formatted(guests));
        }
        Path firmware = socket.resolveSibling(socket.getFileName() + ".firmware");
        long ram = work.ram(scale);
        Files.write(
                firmware,
                work.hot(scale) == 0
                        ? Firmware.idle()
                        : Firmware.sweep(
                                hotAt(work, scale), hotAt(work, scale) + work.hot(scale), Work.HOT_PAGES_A_SECOND));
        List<String> line = new ArrayList<>(qemu.command(ram, firmware, socket));
        line.addAll(List.of("-machine", "q35", "-S"));
        if (arrives) {
            line.addAll(List.of("-incoming", "defer"));
        }
        return line;
    }

    @Override
    public List<String> capabilities(Work work) {
        return List.of();
    }

    /** Far from the first mebibyte, of which a part is no RAM. */
    @Override
    public long hotAt(Work work, int scale) {
        return work.ram(scale) / 2;
    }
}
