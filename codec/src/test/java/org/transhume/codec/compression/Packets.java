package org.transhume.codec.compression;

import java.io.DataInputStream;
import java.io.IOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** Packets that others wrote, from the resources beside this class. */
final class Packets {
    private Packets() {}

    /** SHA-256 of all that {@code decompressor} makes of them. */
    static String digest(String resource, Decompressor decompressor) throws IOException, NoSuchAlgorithmException {
        MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
        try (BatchBuffers buffers = new BatchBuffers(1 << 20, BatchBuffers.MAX_PACKED);
                DataInputStream packets = new DataInputStream(Packets.class.getResourceAsStream(resource))) {
            while (packets.available() > 0) {
                int plainBytes = packets.readInt();
                byte[] body = packets.readNBytes(packets.readInt());
                sha256.update(Batches.unpack(decompressor, buffers, body, plainBytes));
            }
        }
        return HexFormat.of().formatHex(sha256.digest());
    }
}
