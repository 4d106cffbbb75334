package org.transhume.control.monitor;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.transhume.control.settings.Profile;
import tools.jackson.databind.JsonNode;

/** {@code info migrate}: the answer to {@code query-migrate}, what is not there left out. */
final class MigrationText {
    private final StringBuilder text = new StringBuilder();

    private MigrationText() {}

    static String of(JsonNode info, Profile profile) {
        MigrationText migration = new MigrationText();
        migration.globals(profile);
        migration.times(info);
        migration.ram(info.path("ram"));
        migration.xbzrle(info.path("xbzrle-cache"));
        migration.compression(info.path("compression"));
        migration.put(info, "cpu-throttle-percentage", "cpu throttle percentage: %s");
        migration.put(info, "dirty-limit-throttle-time-per-round", "dirty-limit throttle time: %s us");
        migration.put(info, "dirty-limit-ring-full-time", "dirty-limit ring full time: %s us");
        migration.put(info, "postcopy-blocktime", "postcopy blocktime: %s");
        migration.blocktimes(info.path("postcopy-vcpu-blocktime"));
        migration.addresses(info.path("socket-address"));
        return migration.text.toString();
    }

    /** What the stream always has here, and QEMU's machines may leave out. */
    private void globals(Profile profile) {
        line("globals:");
        line("store-global-state: on");
        line("only-migratable: off");
        line("send-configuration: on");
        line("send-section-footer: on");
        if (profile == Profile.V10_0) {
            line("send-switchover-start: on");
            line("clear-bitmap-shift: 18");
        }
    }

    private void times(JsonNode info) {
        if (!info.has("status")) {
            return;
        }
        String status = info.get("status").asString();
        boolean explained = status.equals("failed") && info.has("error-desc");
        line("Migration status: " + status
                + (explained ? " (" + info.get("error-desc").asString() + ")" : ""));
        line("total time: " + info.path("total-time").asLong(0) + " ms");
        put(info, "expected-downtime", "expected downtime: %s ms");
        put(info, "downtime", "downtime: %s ms");
        put(info, "setup-time", "setup: %s ms");
    }

    private void ram(JsonNode ram) {
        putKilobytes(ram, "transferred", "transferred ram");
        if (ram.has("mbps")) {
            line("throughput: " + rounded(ram.get("mbps")) + " mbps");
        }
        putKilobytes(ram, "remaining", "remaining ram");
        putKilobytes(ram, "total", "total ram");
        put(ram, "duplicate", "duplicate: %s pages");
        put(ram, "skipped", "skipped: %s pages");
        put(ram, "normal", "normal: %s pages");
        putKilobytes(ram, "normal-bytes", "normal bytes");
        put(ram, "dirty-sync-count", "dirty sync count: %s");
        putKilobytes(ram, "page-size", "page size");
        putKilobytes(ram, "multifd-bytes", "multifd bytes");
        put(ram, "pages-per-second", "pages-per-second: %s");
        putUnlessZero(ram, "dirty-pages-rate", "dirty pages rate: %s pages");
        putUnlessZero(ram, "postcopy-requests", "postcopy request count: %s");
        putKilobytesUnlessZero(ram, "precopy-bytes", "precopy ram");
        putKilobytesUnlessZero(ram, "downtime-bytes", "downtime ram");
        putKilobytesUnlessZero(ram, "postcopy-bytes", "postcopy ram");
        putUnlessZero(ram, "dirty-sync-missed-zero-copy", "Zero-copy-send fallbacks happened: %s times");
    }

    private void xbzrle(JsonNode cache) {
        put(cache, "cache-size", "cache size: %s bytes");
        putKilobytes(cache, "bytes", "xbzrle transferred");
        put(cache, "pages", "xbzrle pages: %s pages");
        put(cache, "cache-miss", "xbzrle cache miss: %s pages");
        putRounded(cache, "cache-miss-rate", "xbzrle cache miss rate: ");
        putRounded(cache, "encoding-rate", "xbzrle encoding rate: ");
        put(cache, "overflow", "xbzrle overflow: %s");
    }

    private void compression(JsonNode compression) {
        put(compression, "pages", "compression pages: %s pages");
        put(compression, "busy", "compression busy: %s");
        putRounded(compression, "busy-rate", "compression busy rate: ");
        put(compression, "compressed-size", "compressed size: %s");
        putRounded(compression, "compression-rate", "compression rate: ");
    }

    private void blocktimes(JsonNode vcpus) {
        if (!vcpus.isEmpty()) {
            List<String> words = new ArrayList<>();
            vcpus.forEach(millis -> words.add(millis.asString()));
            line("postcopy vcpu blocktime: " + String.join(",", words));
        }
    }

    private void addresses(JsonNode addresses) {
        if (addresses.isEmpty()) {
            return;
        }
        line("socket address: [");
        for (JsonNode address : addresses) {
            line("\t"
                    + switch (address.get("type").asString()) {
                        case "unix" -> "unix:" + address.get("path").asString();
                        case "fd" -> "fd:" + address.get("str").asString();
                        default ->
                            "tcp:" + address.get("host").asString() + ":"
                                    + address.get("port").asString();
                    });
        }
        line("]");
    }

    private void put(JsonNode object, String member, String format) {
        if (object.has(member)) {
            line(format.formatted(object.get(member).asString()));
        }
    }

    private void putUnlessZero(JsonNode object, String member, String format) {
        if (object.path(member).asLong(0) != 0) {
            put(object, member, format);
        }
    }

    private void putKilobytes(JsonNode object, String member, String title) {
        if (object.has(member)) {
            line("%s: %d kbytes".formatted(title, object.get(member).asLong() >> 10));
        }
    }

    private void putKilobytesUnlessZero(JsonNode object, String member, String title) {
        if (object.path(member).asLong(0) != 0) {
            putKilobytes(object, member, title);
        }
    }

    private void putRounded(JsonNode object, String member, String title) {
        if (object.has(member)) {
            line(title + rounded(object.get(member)));
        }
    }

    private static String rounded(JsonNode number) {
        return String.format(Locale.ROOT, "%.2f", number.doubleValue());
    }

    private void line(String words) {
        text.append(words).append('\n');
    }
}
