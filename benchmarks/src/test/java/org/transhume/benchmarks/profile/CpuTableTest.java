package org.transhume.benchmarks.profile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CpuTableTest {
    private static final String FAULT_IN_A_COPY =
            "entry_SYSCALL_64_[k];tcp_recvmsg_[k];_copy_to_iter_[k];asm_exc_page_fault_[k];clear_page_[k]";

    @TempDir
    private Path folder;

    private CpuTable table(String... lines) throws IOException {
        return CpuTable.read(Files.writeString(folder.resolve("collapsed"), String.join("\n", lines) + "\n"));
    }

    @Test
    void eachSampleCountsOnceByWhatTheProcessorDid() throws IOException {
        CpuTable table = table(
                "[migration channel 0 tid=11];org/transhume/channels/SystemCalls.writev_[j];" + FAULT_IN_A_COPY + " 40",
                "[migration channel 1 tid=12];org/transhume/channels/SystemCalls.writev_[j];tcp_sendmsg_[k];_copy_from_iter_[k] 20",
                "[migration channel 1 tid=12];org/transhume/channels/SystemCalls.writev_[j];tcp_sendmsg_[k];tcp_push_[k] 10",
                "[migration tid=10];org/transhume/codec/ZeroTest.test_[j];jdk/incubator/vector/LongVector.or_[i] 15",
                "[migration tid=10];org/transhume/engine/outgoing/Scanner.next_[0] 5",
                "[C2 CompilerThre tid=13];clone3;Compile::Optimize;asm_exc_page_fault_[k] 10");
        assertEquals(100, table.samples());
        assertEquals(0.40, table.share(CpuKind.PAGE_FAULTS));
        assertEquals(0.20, table.share(CpuKind.KERNEL_COPY));
        assertEquals(0.10, table.share(CpuKind.SOCKETS));
        assertEquals(0.15, table.share(CpuKind.JAVA));
        assertEquals(0.05, table.share(CpuKind.YOUNG_JAVA));
        assertEquals(0.10, table.share(CpuKind.JIT));
        assertEquals(0.70, table.share("migration channel N"), 1e-9);
        assertEquals(0.10, table.share("C2 compiler"));
    }

    @Test
    void ourFrameHasWhatItCalledAndSecondsAreOfTheWholeProcess() throws IOException {
        CpuTable table = table(
                "[migration tid=10];org/transhume/engine/A.run_[j];org/transhume/codec/B.test_[i];java/lang/C.c_[i] 3",
                "[migration tid=10];org/transhume/engine/A.run_[j];__GI___clone3 1");
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        table.print(new PrintStream(bytes, true, StandardCharsets.UTF_8), 8, 2);
        String printed = bytes.toString(StandardCharsets.UTF_8);
        assertTrue(printed.matches("(?s).*\\ncodec\\.B\\.test +75\\.0 +3\\.000 .*"), printed);
        assertTrue(printed.matches("(?s).*\\nengine\\.A\\.run +25\\.0 +1\\.000 .*"), printed);
    }

    @Test
    void saysWhichLineIsNoStack() {
        IOException refused = assertThrows(IOException.class, () -> table("no stack"));
        assertTrue(refused.getMessage().contains("'no stack'"), refused.getMessage());
    }
}
