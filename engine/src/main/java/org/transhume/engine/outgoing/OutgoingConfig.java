package org.transhume.engine.outgoing;

import java.time.Duration;
import org.transhume.channels.qemu.MultifdPacket;
import org.transhume.engine.Clock;
import org.transhume.engine.handover.Agreement;
import org.transhume.memory.PageSize;

/**
 * How a guest leaves. Immutable; what may change meanwhile is set on {@link OutgoingMigration}.
 *
 * @param channels multifd channels, 1..255; 0 is none: pages travel on the main channel
 * @param packetPages pages that travel in one multifd packet at the most, 1..128
 * @param maxBandwidth cap in bytes per second over all channels while the guest runs; 0 is none
 * @param budget what it shares with other migrations of this process, beside its own cap; null: nothing
 * @param downtimeLimit longest pause to aim for, 0..2000 s
 * @param switchoverBandwidth bytes per second to assume for the last pages; 0: as measured
 * @param returnPath whether the destination is to answer
 * @param validateUuid whether the destination is to check the guest's UUID, if it has one
 * @param switchoverAck whether the guest may be handed over only once the destination agreed; needs {@code returnPath}
 * @param pauseBeforeSwitchover whether to wait for {@link OutgoingMigration#proceed} once the guest is stopped
 * @param holeRuns extension {@code x-hole-runs}: never-written ranges travel as ranges
 * @param ramDigest extension {@code x-ram-digest}: the destination compares what came with what was sent
 * @param handover extension {@code x-handover}: the guest starts on the source's word only; needs {@code returnPath}
 * @param inquiryLimit with {@code handover}: how long to ask a destination whose answer was lost
 * @param zeroPages who looks for zero pages
 * @param compression what multifd lanes do to pages; anything but {@link Compression.None} needs channels
 * @param deltaCache bytes of the XBZRLE cache, a power of two of 4096 and up; 0: no deltas. With channels it is extension
 *     {@code x-multifd-xbzrle}
 * @param pageCompression compression of pages on the main channel, for old QEMUs; null is none
 * @param postcopy how pages travel once the guest runs at the destination, should the caller want that; null: never. Needs
 *     {@code returnPath}; with channels it is extension {@code x-multifd-postcopy}
 * @param placement where lanes run
 * @param connectLimit longest wait for each connection
 * @param answerLimit longest wait for the destination's word once it was given the guest, more than 0
 * @param stallLimit longest wait for the destination to take one more byte of a channel; zero is for ever
 * @param throttle decides whether a guest that writes too fast is slowed down; it belongs to one migration
 * @param clock where time comes from
 */
public record OutgoingConfig(
        int channels,
        int packetPages,
        long maxBandwidth,
        BandwidthBudget budget,
        Duration downtimeLimit,
        long switchoverBandwidth,
        boolean returnPath,
        boolean validateUuid,
        boolean switchoverAck,
        boolean pauseBeforeSwitchover,
        boolean holeRuns,
        boolean ramDigest,
        boolean handover,
        Duration inquiryLimit,
        ZeroPageDetection zeroPages,
        Compression compression,
        long deltaCache,
        PageCompression pageCompression,
        PostcopyTerms postcopy,
        LanePlacement placement,
        Duration connectLimit,
        Duration answerLimit,
        Duration stallLimit,
        ThrottlePolicy throttle,
        Clock clock) {
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(2000);

    public OutgoingConfig {
        if (channels < 0 || channels > 255) {
            throw new IllegalArgumentException("channels=%d: expected 0..255".formatted(channels));
        }
        if (packetPages < 1 || packetPages > MultifdPacket.CAPACITY) {
            throw new IllegalArgumentException(
                    "packetPages=%d: expected 1..%d".formatted(packetPages, MultifdPacket.CAPACITY));
        }
        if (maxBandwidth < 0) {
            throw new IllegalArgumentException("maxBandwidth=%d: expected 0 or more".formatted(maxBandwidth));
        }
        if (handover && !returnPath) {
            throw new IllegalArgumentException("handover=true: expected returnPath beside it");
        }
        if (inquiryLimit.isNegative()) {
            throw new IllegalArgumentException("inquiryLimit=%s: expected 0 or more".formatted(inquiryLimit));
        }
        if (switchoverBandwidth < 0) {
            throw new IllegalArgumentException(
                    "switchoverBandwidth=%d: expected 0 or more".formatted(switchoverBandwidth));
        }
        if (connectLimit.isNegative()) {
            throw new IllegalArgumentException("connectLimit=%s: expected 0 or more".formatted(connectLimit));
        }
        if (answerLimit.isNegative() || answerLimit.isZero()) {
            throw new IllegalArgumentException("answerLimit=%s: expected more than 0".formatted(answerLimit));
        }
        if (postcopy != null && !returnPath) {
            throw new IllegalArgumentException("postcopy=%s: expected returnPath with it".formatted(postcopy));
        }
        if (switchoverAck && !returnPath) {
            throw new IllegalArgumentException("switchoverAck=true: expected returnPath with it");
        }
        if (stallLimit.isNegative()) {
            throw new IllegalArgumentException("stallLimit=%s: expected 0 or more".formatted(stallLimit));
        }
        if (channels == 0 && !(compression instanceof Compression.None)) {
            throw new IllegalArgumentException("compression=%s: expected channels for it".formatted(compression));
        }
        if (channels > 0 && pageCompression != null) {
            throw new IllegalArgumentException(
                    "pageCompression=%s: expected no channels beside it".formatted(pageCompression));
        }
        if (deltaCache != 0 && (deltaCache < PageSize.BYTES || Long.bitCount(deltaCache) != 1)) {
            throw new IllegalArgumentException(
                    "deltaCache=%d: expected 0 or a power of two of 4096 and up".formatted(deltaCache));
        }
        if (downtimeLimit.isNegative() || downtimeLimit.compareTo(LONGEST_PAUSE) > 0) {
            throw new IllegalArgumentException("downtimeLimit=%s: expected 0..2000 s".formatted(downtimeLimit));
        }
    }

    /** How the two sides will agree on who runs the guest. */
    Agreement agreement() {
        if (handover) {
            return Agreement.GRANTED;
        }
        return returnPath ? Agreement.ANSWERED : Agreement.UNANSWERED;
    }

    /** One stream, no cap, 300 ms, no answer, no extensions. */
    public static Builder builder() {
        return new Builder();
    }

    /** Names the components of a config; {@link #build} checks them. */
    public static final class Builder {
        private int channels;
        private int packetPages = MultifdPacket.CAPACITY;
        private long maxBandwidth;
        private BandwidthBudget budget;
        private Duration downtimeLimit = Duration.ofMillis(300);
        private long switchoverBandwidth;
        private boolean returnPath;
        private boolean validateUuid;
        private boolean switchoverAck;
        private boolean pauseBeforeSwitchover;
        private boolean holeRuns;
        private boolean ramDigest;
        private boolean handover;
        private Duration inquiryLimit = Duration.ofSeconds(20);
        private ZeroPageDetection zeroPages = ZeroPageDetection.MULTIFD;
        private Compression compression = new Compression.None();
        private long deltaCache;
        private PageCompression pageCompression;
        private PostcopyTerms postcopy;
        private LanePlacement placement = LanePlacement.AUTOMATIC;
        private Duration connectLimit = Duration.ofSeconds(30);
        private Duration answerLimit = Duration.ofSeconds(60);
        private Duration stallLimit = Duration.ofSeconds(60);
        private ThrottlePolicy throttle = ThrottlePolicy.NONE;
        private Clock clock = Clock.SYSTEM;

        private Builder() {}

        public Builder channels(int value) {
            channels = value;
            return this;
        }

        public Builder packetPages(int value) {
            packetPages = value;
            return this;
        }

        public Builder maxBandwidth(long value) {
            maxBandwidth = value;
            return this;
        }

        public Builder budget(BandwidthBudget value) {
            budget = value;
            return this;
        }

        public Builder downtimeLimit(Duration value) {
            downtimeLimit = value;
            return this;
        }

        public Builder switchoverBandwidth(long value) {
            switchoverBandwidth = value;
            return this;
        }

        public Builder returnPath(boolean value) {
            returnPath = value;
            return this;
        }

        public Builder validateUuid(boolean value) {
            validateUuid = value;
            return this;
        }

        public Builder switchoverAck(boolean value) {
            switchoverAck = value;
            return this;
        }

        public Builder pauseBeforeSwitchover(boolean value) {
            pauseBeforeSwitchover = value;
            return this;
        }

        public Builder holeRuns(boolean value) {
            holeRuns = value;
            return this;
        }

        public Builder ramDigest(boolean value) {
            ramDigest = value;
            return this;
        }

        public Builder handover(boolean value) {
            handover = value;
            return this;
        }

        public Builder inquiryLimit(Duration value) {
            inquiryLimit = value;
            return this;
        }

        public Builder zeroPages(ZeroPageDetection value) {
            zeroPages = value;
            return this;
        }

        public Builder compression(Compression value) {
            compression = value;
            return this;
        }

        public Builder deltaCache(long value) {
            deltaCache = value;
            return this;
        }

        public Builder pageCompression(PageCompression value) {
            pageCompression = value;
            return this;
        }

        public Builder postcopy(PostcopyTerms value) {
            postcopy = value;
            return this;
        }

        public Builder placement(LanePlacement value) {
            placement = value;
            return this;
        }

        public Builder connectLimit(Duration value) {
            connectLimit = value;
            return this;
        }

        public Builder stallLimit(Duration value) {
            stallLimit = value;
            return this;
        }

        public Builder throttle(ThrottlePolicy value) {
            throttle = value;
            return this;
        }

        public Builder answerLimit(Duration value) {
            answerLimit = value;
            return this;
        }

        public Builder clock(Clock value) {
            clock = value;
            return this;
        }

        public OutgoingConfig build() {
            return new OutgoingConfig(
                    channels,
                    packetPages,
                    maxBandwidth,
                    budget,
                    downtimeLimit,
                    switchoverBandwidth,
                    returnPath,
                    validateUuid,
                    switchoverAck,
                    pauseBeforeSwitchover,
                    holeRuns,
                    ramDigest,
                    handover,
                    inquiryLimit,
                    zeroPages,
                    compression,
                    deltaCache,
                    pageCompression,
                    postcopy,
                    placement,
                    connectLimit,
                    answerLimit,
                    stallLimit,
                    throttle,
                    clock);
        }
    }
}
