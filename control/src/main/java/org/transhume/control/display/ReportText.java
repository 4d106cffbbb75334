package org.transhume.control.display;

import java.io.PrintWriter;
import org.transhume.engine.PostcopyReport;
import org.transhume.engine.incoming.IncomingReport;
import org.transhume.engine.outgoing.DeltaProgress;
import org.transhume.engine.outgoing.OutgoingReport;
import org.transhume.engine.outgoing.PageCompressionProgress;

/** Reports for people. */
public final class ReportText {
    private ReportText() {}

    /** @param packing how pages were packed, or {@code none} */
    public static void print(OutgoingReport report, String packing, PrintWriter out) {
        double seconds = report.totalMillis() / 1000;
        out.printf("migration %s in %s%n", report.outcome(), Units.millis(report.totalMillis()));
        if (report.reason() != null) {
            out.printf("  reason      %s%n", report.reason());
        }
        out.printf(
                "  RAM         %s: %d pages in full, %d zero, %d never written%n",
                Units.bytes(report.ramBytes()), report.normalPages(), report.zeroPages(), report.holePages());
        out.printf(
                "  sent        %s, %s on average%s%n",
                Units.bytes(report.transferredBytes()),
                Units.rate(seconds > 0 ? report.transferredBytes() / seconds : 0),
                report.channels() == 0 ? "" : " over %d page channels".formatted(report.channels()));
        printPacking(report, packing, out);
        out.printf(
                "  bandwidth   %s%n",
                report.maxBandwidth() == 0 ? "no cap" : "capped at " + Units.rate((double) report.maxBandwidth()));
        if (report.digest() != null) {
            out.printf(
                    "  digest      of %d pages sent in %s of the pause, %d hashed on the way%n",
                    report.digest().pages(),
                    Units.millis(report.digest().millis()),
                    report.digest().hashed());
        }
        out.printf("  dirty pages found by %s%n", report.dirtySource());
        if (report.highestThrottle() > 0) {
            out.printf("  slowed down by up to %d %%, as auto-converge wants%n", report.highestThrottle());
        }
        for (OutgoingReport.Round round : report.roundHistory()) {
            out.printf(
                    "  round %-5d %d dirty pages, %s in %s%n",
                    round.number(), round.dirtyPages(), Units.bytes(round.bytes()), Units.millis(round.millis()));
        }
        OutgoingReport.Downtime pause = report.downtime();
        if (pause != null) {
            out.printf(
                    "  downtime    %s, foretold %s: stop %s%s, last harvest %s, last pages %s, devices %s, wire %s, start %s%n",
                    Units.millis(pause.total()),
                    Units.millis(pause.predicted()),
                    Units.millis(pause.stop()),
                    pause.held() == 0 ? "" : ", held back %s".formatted(Units.millis(pause.held())),
                    Units.millis(pause.lastHarvest()),
                    Units.millis(pause.lastPages()),
                    Units.millis(pause.devices()),
                    Units.millis(pause.wire()),
                    Units.millis(pause.start()));
        } else if (report.verdict() != null && !report.verdict().converges()) {
            out.printf("  forecast    %s%n", VerdictText.of(report.verdict()));
        }
        printPostcopy(report.postcopy(), out);
        if (report.outcome().equals("completed")) {
            out.println(
                    report.acknowledged()
                            ? "  the destination has the guest and said so"
                            : "  the destination was not asked whether it has the guest (return-path is off)");
        }
        out.flush();
    }

    private static void printPostcopy(PostcopyReport postcopy, PrintWriter out) {
        if (postcopy == null) {
            return;
        }
        out.printf(
                "  postcopy    %s after the switch in %s, %d pages asked for%s%n",
                Units.bytes(postcopy.bytes()),
                Units.millis(postcopy.millis()),
                postcopy.requests(),
                postcopy.pauses() == 0
                        ? ""
                        : "; connections lost: %d, without one for %s"
                                .formatted(postcopy.pauses(), Units.millis(postcopy.pausedMillis())));
        if (postcopy.stalls() != null) {
            StallsText.print(postcopy.stalls(), out);
        }
    }

    private static void printPacking(OutgoingReport report, String packing, PrintWriter out) {
        if (!packing.equals("none")) {
            out.printf(
                    "  packing     %s: sent %.0f %% of what RAM holds%n",
                    packing, 100.0 * report.transferredBytes() / report.ramBytes());
        }
        DeltaProgress delta = report.delta();
        if (delta != null) {
            out.printf(
                    "  deltas      %d pages in %s, %d unchanged, %d that grew (overflow), %d not in the cache of %s%n",
                    delta.pages() - delta.unchanged() - delta.overflows(),
                    Units.bytes(delta.bytes()),
                    delta.unchanged(),
                    delta.overflows(),
                    delta.misses(),
                    Units.bytes(delta.cacheBytes()));
        }
        OutgoingReport.Adaptive chosen = report.adaptive();
        if (chosen != null) {
            out.printf(
                    "  chosen      %d pages as they are, %d by LZ4, %d by zstd; %d compressed in vain%n",
                    chosen.rawPages(), chosen.lz4Pages(), chosen.zstdPages(), chosen.triedPages());
        }
        PageCompressionProgress compressed = report.pageCompression();
        if (compressed != null) {
            out.printf(
                    "  compressed  %d pages in %s; %d times all threads were busy%n",
                    compressed.pages(), Units.bytes(compressed.compressedBytes()), compressed.busy());
        }
    }

    /** @param packing how page channels were set to pack pages, or {@code none} */
    public static void print(IncomingReport report, String packing, PrintWriter out) {
        double seconds = report.totalMillis() / 1000;
        out.printf(
                "guest of machine '%s' %s in %s%n",
                report.machine(),
                report.outcome().equals("completed") ? "arrived" : "did not arrive",
                Units.millis(report.totalMillis()));
        out.printf(
                "  RAM         %s: %d pages in full, %d zero, %d never written%n",
                Units.bytes(report.ramBytes()), report.normalPages(), report.zeroPages(), report.holePages());
        long bytes = report.mainBytes() + report.multifdBytes();
        out.printf(
                "  received    %s, %s on average, in the dialect of %s%n",
                Units.bytes(bytes), Units.rate(seconds > 0 ? bytes / seconds : 0), report.dialect());
        if (!packing.equals("none")) {
            out.printf("  packing     %s%n", packing);
        }
        if (report.deltaPages() + report.compressedPages() > 0) {
            out.printf(
                    "  main        %d pages as deltas, %d compressed one by one%n",
                    report.deltaPages(), report.compressedPages());
        }
        if (report.digest() != null) {
            out.printf(
                    "  digest      %d pages hold what was sent, compared in %s of the pause%n",
                    report.digest().pages(), Units.millis(report.digest().millis()));
        }
        out.printf("  devices     %s of state%n", Units.bytes(report.deviceBytes()));
        if (report.outcome().equals("completed")) {
            out.printf(
                    "  downtime    the half on this side: load %s, start %s%n",
                    Units.millis(report.loadMillis()), Units.millis(report.startMillis()));
        }
        printPostcopy(report.postcopy(), out);
        if (report.descriptionMissing()) {
            out.println("  warning: the stream ended without the description of its devices");
        }
        out.flush();
    }
}
