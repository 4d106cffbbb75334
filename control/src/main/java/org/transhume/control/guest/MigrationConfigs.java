package org.transhume.control.guest;

import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.transhume.channels.qemu.MultifdMethod;
import org.transhume.channels.qemu.MultifdPacket;
import org.transhume.control.settings.Capability;
import org.transhume.control.settings.Parameter;
import org.transhume.control.settings.SettingsValues;
import org.transhume.control.throttle.AutoConverge;
import org.transhume.control.throttle.DirtyLimitPolicy;
import org.transhume.control.throttle.DirtyLimits;
import org.transhume.engine.AnnounceSchedule;
import org.transhume.engine.HalfState;
import org.transhume.engine.incoming.IncomingConfig;
import org.transhume.engine.incoming.PostcopyArrival;
import org.transhume.engine.outgoing.Compression;
import org.transhume.engine.outgoing.OutgoingConfig;
import org.transhume.engine.outgoing.PageCompression;
import org.transhume.engine.outgoing.PostcopyTerms;
import org.transhume.engine.outgoing.ThrottlePolicy;
import org.transhume.engine.outgoing.ZeroPageDetection;

/** What capabilities and parameters mean to the engine; latched when a migration begins. */
public final class MigrationConfigs {
    /** What both sides must have alike, of what the stream's header tells. */
    private static final List<Capability> SHARED = List.of(
            Capability.X_IGNORE_SHARED,
            Capability.X_HOLE_RUNS,
            Capability.X_LZ4,
            Capability.X_MULTIFD_XBZRLE,
            Capability.X_MULTIFD_POSTCOPY,
            Capability.X_ADAPTIVE,
            Capability.X_RAM_DIGEST,
            Capability.X_HANDOVER);
    /** A size of 2^63 is allowed, and no more to be had than half of it, which a long can hold. */
    private static final long LARGEST_CACHE = 1L << 62;

    private static final int FIXED_THRESHOLD = 50;

    private MigrationConfigs() {}

    /** Of a guest whose vCPUs are not limited one by one, and whose parameters stay as they are. */
    public static OutgoingConfig outgoing(SettingsValues settings) {
        return outgoing(settings, () -> settings, null, WaitLimits.DEFAULT, _ -> {});
    }

    /**
     * @param now asked for the parameters of throttling whenever it acts
     * @param limits of the guest's vCPUs; null if it has none
     * @param salvage hears what is left here of a postcopy that is given up
     */
    static OutgoingConfig outgoing(
            SettingsValues settings,
            Supplier<SettingsValues> now,
            DirtyLimits limits,
            WaitLimits waits,
            Consumer<HalfState> salvage) {
        return OutgoingConfig.builder()
                .stallLimit(waits.stall())
                .channels(channels(settings))
                .maxBandwidth(settings.size(Parameter.MAX_BANDWIDTH))
                .downtimeLimit(downtimeLimit(settings))
                .switchoverBandwidth(
                        known(settings, Parameter.AVAIL_SWITCHOVER_BANDWIDTH)
                                ? settings.size(Parameter.AVAIL_SWITCHOVER_BANDWIDTH)
                                : 0)
                .returnPath(settings.enabled(Capability.RETURN_PATH) || postcopy(settings))
                .postcopy(postcopy(settings) ? terms(settings, salvage) : null)
                .validateUuid(settings.enabled(Capability.VALIDATE_UUID))
                .switchoverAck(settings.enabled(Capability.SWITCHOVER_ACK))
                .pauseBeforeSwitchover(settings.enabled(Capability.PAUSE_BEFORE_SWITCHOVER))
                .holeRuns(settings.enabled(Capability.X_HOLE_RUNS))
                .ramDigest(settings.enabled(Capability.X_RAM_DIGEST))
                .handover(settings.enabled(Capability.X_HANDOVER))
                .packetPages(packetPages(settings))
                .zeroPages(zeroPages(settings))
                .compression(compression(settings))
                .deltaCache(deltas(settings) ? deltaCache(settings) : 0)
                .pageCompression(settings.enabled(Capability.COMPRESS) ? pageCompression(settings) : null)
                .throttle(throttle(settings, now, limits))
                .build();
    }

    public static IncomingConfig incoming(SettingsValues settings) {
        return incoming(settings, false, _ -> {});
    }

    /**
     * @param listenOn whether a source that lost its connection in postcopy may come back to where it came first
     * @param salvage hears what is here of a postcopy that is given up
     */
    static IncomingConfig incoming(SettingsValues settings, boolean listenOn, Consumer<HalfState> salvage) {
        Set<String> shared = new HashSet<>();
        SHARED.stream().filter(settings::enabled).map(Capability::wireName).forEach(shared::add);
        if (settings.enabled(Capability.X_ADAPTIVE)) {
            // Its format has deltas in it already, and the source says so once.
            shared.remove(Capability.X_MULTIFD_XBZRLE.wireName());
        }
        IncomingConfig config = IncomingConfig.DEFAULT
                .withChannels(channels(settings))
                .withShared(shared)
                .withSwitchoverAck(settings.enabled(Capability.SWITCHOVER_ACK))
                .withLateDisks(settings.enabled(Capability.LATE_BLOCK_ACTIVATE))
                .withPostcopy(postcopy(settings) ? arrival(settings, listenOn, salvage) : null)
                .withAnnouncements(announcements(settings));
        if (channels(settings) > 0 && known(settings, Parameter.MULTIFD_COMPRESSION)) {
            config = config.withMethod(MultifdMethod.valueOf(
                    settings.text(Parameter.MULTIFD_COMPRESSION).toUpperCase(Locale.ROOT)));
        }
        return known(settings, Parameter.DECOMPRESS_THREADS)
                ? config.withDecompressThreads(settings.count(Parameter.DECOMPRESS_THREADS))
                : config;
    }

    private static ThrottlePolicy throttle(SettingsValues settings, Supplier<SettingsValues> now, DirtyLimits limits) {
        if (settings.enabled(Capability.AUTO_CONVERGE)) {
            return new AutoConverge(() -> autoConverge(now.get()));
        }
        if (settings.enabled(Capability.DIRTY_LIMIT) && limits != null) {
            return new DirtyLimitPolicy(
                    limits,
                    () -> new DirtyLimitPolicy.Tuning(
                            threshold(now.get()), now.get().size(Parameter.VCPU_DIRTY_LIMIT)));
        }
        return ThrottlePolicy.NONE;
    }

    private static AutoConverge.Tuning autoConverge(SettingsValues settings) {
        return new AutoConverge.Tuning(
                threshold(settings),
                settings.count(Parameter.CPU_THROTTLE_INITIAL),
                settings.count(Parameter.CPU_THROTTLE_INCREMENT),
                known(settings, Parameter.CPU_THROTTLE_TAILSLOW) && settings.flag(Parameter.CPU_THROTTLE_TAILSLOW),
                settings.count(Parameter.MAX_CPU_THROTTLE));
    }

    /** Before there was a parameter it was half of what was sent. */
    private static int threshold(SettingsValues settings) {
        return known(settings, Parameter.THROTTLE_TRIGGER_THRESHOLD)
                ? settings.count(Parameter.THROTTLE_TRIGGER_THRESHOLD)
                : FIXED_THRESHOLD;
    }

    private static boolean postcopy(SettingsValues settings) {
        return settings.enabled(Capability.POSTCOPY_RAM);
    }

    private static PostcopyTerms terms(SettingsValues settings, Consumer<HalfState> salvage) {
        return new PostcopyTerms(
                settings.enabled(Capability.POSTCOPY_PREEMPT),
                settings.enabled(Capability.RELEASE_RAM),
                settings.size(Parameter.MAX_POSTCOPY_BANDWIDTH),
                salvage);
    }

    private static PostcopyArrival arrival(SettingsValues settings, boolean listenOn, Consumer<HalfState> salvage) {
        return new PostcopyArrival(
                settings.enabled(Capability.POSTCOPY_PREEMPT),
                settings.enabled(Capability.POSTCOPY_BLOCKTIME),
                listenOn,
                salvage);
    }

    static Duration downtimeLimit(SettingsValues settings) {
        return Duration.ofMillis(settings.size(Parameter.DOWNTIME_LIMIT));
    }

    /** Bytes of the XBZRLE cache, where there is one. */
    static long deltaCache(SettingsValues settings) {
        return Math.min(settings.size(Parameter.XBZRLE_CACHE_SIZE), LARGEST_CACHE);
    }

    /** With channels xbzrle goes together with x-multifd-xbzrle only, which the settings see to. */
    private static boolean deltas(SettingsValues settings) {
        return settings.enabled(Capability.XBZRLE) || settings.enabled(Capability.X_ADAPTIVE);
    }

    private static Compression compression(SettingsValues settings) {
        if (settings.enabled(Capability.X_ADAPTIVE)) {
            return new Compression.Adaptive();
        }
        if (settings.enabled(Capability.X_LZ4)) {
            return new Compression.Lz4();
        }
        if (channels(settings) == 0 || !known(settings, Parameter.MULTIFD_COMPRESSION)) {
            return new Compression.None();
        }
        return switch (settings.text(Parameter.MULTIFD_COMPRESSION)) {
            case "zlib" -> new Compression.Zlib(settings.count(Parameter.MULTIFD_ZLIB_LEVEL));
            case "zstd" -> new Compression.Zstd(settings.count(Parameter.MULTIFD_ZSTD_LEVEL));
            default -> new Compression.None();
        };
    }

    /** Older QEMUs have the same schedule, and nothing to change it with. */
    private static AnnounceSchedule announcements(SettingsValues settings) {
        return known(settings, Parameter.ANNOUNCE_ROUNDS)
                ? new AnnounceSchedule(
                        settings.size(Parameter.ANNOUNCE_INITIAL),
                        settings.size(Parameter.ANNOUNCE_MAX),
                        settings.count(Parameter.ANNOUNCE_ROUNDS),
                        settings.size(Parameter.ANNOUNCE_STEP))
                : AnnounceSchedule.DEFAULT;
    }

    private static PageCompression pageCompression(SettingsValues settings) {
        return new PageCompression(
                settings.count(Parameter.COMPRESS_LEVEL),
                settings.count(Parameter.COMPRESS_THREADS),
                settings.flag(Parameter.COMPRESS_WAIT_THREAD));
    }

    /** Whether a migration needs a transport that can be connected to more than once. */
    static boolean severalConnections(SettingsValues settings) {
        return channels(settings) > 0 || settings.enabled(Capability.POSTCOPY_PREEMPT);
    }

    /** Page channels, by whichever of its names the profile knows them; 0 is none. */
    static int channels(SettingsValues settings) {
        if (settings.enabled(Capability.MULTIFD)) {
            return settings.count(Parameter.MULTIFD_CHANNELS);
        }
        return settings.enabled(Capability.X_MULTIFD) ? settings.count(Parameter.X_MULTIFD_CHANNELS) : 0;
    }

    /** The old profile may ask for more than today's packets have room for. */
    private static int packetPages(SettingsValues settings) {
        return known(settings, Parameter.X_MULTIFD_PAGE_COUNT)
                ? Math.min(settings.count(Parameter.X_MULTIFD_PAGE_COUNT), MultifdPacket.CAPACITY)
                : MultifdPacket.CAPACITY;
    }

    static ZeroPageDetection zeroPages(SettingsValues settings) {
        return known(settings, Parameter.ZERO_PAGE_DETECTION)
                ? ZeroPageDetection.valueOf(
                        settings.text(Parameter.ZERO_PAGE_DETECTION).toUpperCase(Locale.ROOT))
                : ZeroPageDetection.MULTIFD;
    }

    static boolean known(SettingsValues settings, Parameter parameter) {
        return parameter.in(settings.profile());
    }
}
