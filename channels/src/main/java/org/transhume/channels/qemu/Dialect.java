package org.transhume.channels.qemu;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What the machine type in the header decides about the stream (spec: stream.md §12, last table). It is not on the wire:
 * both sides derive it from the machine's name.
 *
 * @param switchoverStart whether command 11 announces the switchover
 * @param perRoundSync true: a sync point is marked by MULTIFD_FLUSH; false: by the EOS of every RAM section
 * @param urgentChannelAtFirst whether the channel of postcopy's requested pages is made right behind the main one, and ends with a
 *     record; else when it is needed, and just ends
 * @param zeroPagesInPackets whether multifd packets list zero pages; else they travel as records on the main channel
 */
public record Dialect(
        boolean switchoverStart, boolean perRoundSync, boolean urgentChannelAtFirst, boolean zeroPagesInPackets) {
    /** Of machine types 10.0 and newer, of names that carry no version, and of our own machines. */
    public static final Dialect NEWEST = new Dialect(true, true, false, true);

    /** Machines of ours count their own versions, not QEMU's. */
    private static final String OURS = "transhume-";

    private static final Pattern VERSION = Pattern.compile("-(\\d{1,4})\\.(\\d{1,4})$");

    /** The dialect of {@code machine}, e.g. {@code pc-q35-7.2}. */
    public static Dialect ofMachine(String machine) {
        Matcher version = VERSION.matcher(machine);
        if (machine.startsWith(OURS) || !version.find()) {
            return NEWEST;
        }
        int release = Integer.parseInt(version.group(1)) * 10_000 + Integer.parseInt(version.group(2));
        return new Dialect(release >= 100_000, release >= 80_001, release < 80_000, release >= 90_000);
    }

    @Override
    public String toString() {
        return switchoverStart ? "10.0" : zeroPagesInPackets ? "9.0" : perRoundSync ? "8.1" : "7.2";
    }
}
