package org.transhume.control.soak;

import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.transhume.control.display.Units;

/** A soak as people read it. */
public final class SoakText {
    private SoakText() {}

    /** How far it is. */
    public static String progress(SoakSummary soFar) {
        return String.format(
                Locale.ROOT,
                "%.0f s: %d migrations, %s moved, heap %s, %d defects, %d leaks",
                soFar.seconds(),
                soFar.migrations(),
                Units.bytes(soFar.movedBytes()),
                Units.bytes(soFar.heapEndBytes()),
                soFar.defects(),
                soFar.leaks());
    }

    /** All of it, in one line. */
    public static String line(SoakSummary summary) {
        return String.format(
                Locale.ROOT,
                "%s: %d migrations in %.0f s (%s); faults that met one (%s); %s moved, %s compared; defects %d, leaks %d;"
                        + " heap %s to %s, %s; seed %d",
                summary.sound() ? "sound" : "NOT SOUND",
                summary.migrations(),
                summary.seconds(),
                counts(summary.outcomes()),
                summary.faults().isEmpty()
                        ? "none"
                        : new TreeMap<>(summary.faults())
                                .entrySet().stream()
                                        .map(fault -> "%s %d of %d"
                                                .formatted(
                                                        fault.getKey(),
                                                        fault.getValue().met(),
                                                        fault.getValue().planned()))
                                        .collect(Collectors.joining(", ")),
                Units.bytes(summary.movedBytes()),
                Units.bytes(summary.comparedBytes()),
                summary.defects(),
                summary.leaks(),
                Units.bytes(summary.heapStartBytes()),
                Units.bytes(summary.heapEndBytes()),
                summary.heapFlat()
                        ? "flat"
                        : String.format(
                                Locale.ROOT,
                                "NOT FLAT: %.0f bytes a migration, %d at the most",
                                summary.heapBytesPerMigration(),
                                HeapTrend.BYTES_PER_MIGRATION),
                summary.seed());
    }

    private static String counts(Map<String, Integer> counts) {
        return new TreeMap<>(counts)
                .entrySet().stream()
                        .map(count -> "%s %d".formatted(count.getKey(), count.getValue()))
                        .collect(Collectors.joining(", "));
    }

    /** One migration of which something was wrong, and how to do it again. */
    public static String defect(Soak.Entry entry) {
        StringBuilder text = new StringBuilder("migration %d: %s; %s, %s, fault %s"
                .formatted(entry.index(), entry.outcome(), entry.capabilities(), entry.place(), entry.fault()));
        entry.defects().forEach(defect -> text.append("\n  wrong: ").append(defect));
        entry.left().forEach(thing -> text.append("\n  left behind: ").append(thing));
        return text.append("\n  again: ").append(entry.replay()).toString();
    }
}
