package org.transhume.control.display;

import org.transhume.control.settings.Capability;
import org.transhume.control.settings.Parameter;
import org.transhume.control.settings.Profile;
import org.transhume.control.settings.SettingsValues;

/** How pages are packed on their way, as far as settings say. */
public final class PackingText {
    private PackingText() {}

    /** For instance {@code zstd level 1, xbzrle}; {@code none} if pages travel as they are. */
    public static String of(SettingsValues settings) {
        String compression = compression(settings);
        if (!settings.enabled(Capability.XBZRLE)) {
            return compression;
        }
        return compression.equals("none") ? "xbzrle" : compression + ", xbzrle";
    }

    private static String compression(SettingsValues settings) {
        if (settings.enabled(Capability.X_ADAPTIVE)) {
            return "x-adaptive";
        }
        if (settings.enabled(Capability.X_LZ4)) {
            return "x-lz4";
        }
        if (settings.enabled(Capability.COMPRESS)) {
            return "compress level %d, %d threads"
                    .formatted(settings.count(Parameter.COMPRESS_LEVEL), settings.count(Parameter.COMPRESS_THREADS));
        }
        if (settings.profile() == Profile.V3_1 || !settings.enabled(Capability.MULTIFD)) {
            return "none";
        }
        return switch (settings.text(Parameter.MULTIFD_COMPRESSION)) {
            case "zlib" -> "zlib level " + settings.count(Parameter.MULTIFD_ZLIB_LEVEL);
            case "zstd" -> "zstd level " + settings.count(Parameter.MULTIFD_ZSTD_LEVEL);
            default -> "none";
        };
    }
}
