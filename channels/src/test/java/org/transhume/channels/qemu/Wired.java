package org.transhume.channels.qemu;

import java.io.IOException;
import java.util.HexFormat;

/** Bytes as the specification writes them, and what our writers put on the wire. */
final class Wired {
    /** Writes something. */
    interface Writing {
        void to(StreamWriter out) throws IOException;
    }

    /** Writes something of a main stream. */
    interface MainWriting {
        void to(MainStreamWriter out) throws IOException;
    }

    private Wired() {}

    /** Hexadecimal digits, blanks ignored. */
    static byte[] bytes(String... hex) {
        return HexFormat.of().parseHex(String.join("", hex).replaceAll("\\s", ""));
    }

    static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }

    /** Without blanks, to be compared with {@link #hex}. */
    static String spec(String... hex) {
        return hex(bytes(hex));
    }

    static byte[] written(Writing writing) throws IOException {
        BytesConnection connection = new BytesConnection();
        try (StreamWriter out = new StreamWriter(connection)) {
            writing.to(out);
            out.flush();
        }
        return connection.written();
    }

    /** @param ramId section id of RAM */
    static byte[] mainWritten(int ramId, MainWriting writing) throws IOException {
        BytesConnection connection = new BytesConnection();
        try (MainStreamWriter out = new MainStreamWriter(new StreamWriter(connection), ramId)) {
            writing.to(out);
            out.flush();
        }
        return connection.written();
    }
}
