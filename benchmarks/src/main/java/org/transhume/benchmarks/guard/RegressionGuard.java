package org.transhume.benchmarks.guard;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine;

/** {@code bench guard}: holds this build against a plain copy, and against an older build. Exit status 1: something is slower. */
@CommandLine.Command(
        name = "guard",
        description =
                "Has it become slower? Kernels and whole migrations beside a plain copy, held against the floors that are checked"
                        + " in; then, in turn with an older build, the same migrations.",
        mixinStandardHelpOptions = true)
public final class RegressionGuard implements Callable<Integer> {
    private static final int SLOWER = 1;
    private static final int TURNS = 41;
    private static final int QUICK_TURNS = 15;
    /** What is below its floor is measured again: a neighbour can spoil a second, and nothing else passes with time. */
    private static final int ATTEMPTS = 3;

    @CommandLine.Option(names = "--quick", description = "Less often, and kernels only.")
    private boolean quick;

    @CommandLine.Option(
            names = "--against",
            paramLabel = "DIR|JARS|REF",
            description =
                    "An older build: a checkout that is built, a directory of jars, a class path, or a git ref, which is built in a"
                            + " directory of its own. Without it: the last tag v*.")
    private String against;

    @CommandLine.Option(
            names = "--pairs",
            paramLabel = "N",
            defaultValue = "11",
            description = "Migrations of each build (default: ${DEFAULT-VALUE}).")
    private int pairs;

    @CommandLine.Option(
            names = "--ram",
            paramLabel = "SIZE",
            defaultValue = "512M",
            description = "RAM of the guest that both builds move (default: ${DEFAULT-VALUE}).")
    private String ram;

    @CommandLine.Option(names = "--no-kernels", description = "Only hold it against the older build.")
    private boolean noKernels;

    private boolean slower;

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (!noKernels) {
            againstCopy();
        }
        if (!quick || against != null) {
            againstRelease();
        }
        return slower ? SLOWER : CommandLine.ExitCode.OK;
    }

    private interface Measured {
        Ratios ratios(int turns) throws IOException;
    }

    private void againstCopy() throws IOException {
        Floors floors = Floors.read();
        KernelRatios kernels = new KernelRatios();
        Map<String, Measured> measured = new LinkedHashMap<>();
        for (Kernel kernel : Kernel.values()) {
            if (kernel != Kernel.COPY) {
                measured.put(kernel.id(), turns -> kernels.of(kernel, turns));
            }
        }
        if (!quick) {
            for (Pipeline pipeline : Pipeline.values()) {
                measured.put(pipeline.id(), pipeline::ratios);
            }
        }
        System.out.println("speed as a part of a plain copy's    median     (min..max)        floor");
        for (Map.Entry<String, Measured> each : measured.entrySet()) {
            hold(each.getKey(), each.getValue(), floors.of(each.getKey()));
        }
    }

    private void hold(String id, Measured measured, double floor) throws IOException {
        boolean below = true;
        for (int attempt = 1; below && attempt <= ATTEMPTS; attempt++) {
            Ratios ratios = measured.ratios(quick ? QUICK_TURNS : TURNS);
            below = ratios.median() < floor;
            System.out.println("%-34s %8.4f (%.4f..%.4f)  %8.4f%s"
                    .formatted(
                            id,
                            ratios.median(),
                            ratios.least(),
                            ratios.most(),
                            floor,
                            below ? attempt < ATTEMPTS ? "  below, again" : "  BELOW ITS FLOOR" : ""));
        }
        slower |= below;
    }

    private void againstRelease() throws IOException, InterruptedException {
        String baseline = against;
        if (baseline == null) {
            Optional<String> release = OlderBuild.lastRelease();
            if (release.isEmpty()) {
                System.out.println("no tag v* here: there is no release to compare with; --against takes any build");
                return;
            }
            baseline = release.get();
        }
        Migrations now = Migrations.ofThisBuild(ram);
        try (OlderBuild older = OlderBuild.of(baseline)) {
            Migrations then = Migrations.of(older, ram);
            slower |= new ReleaseComparison(then, now, pairs).slower(baseline, System.out);
        }
    }

    static Path java() {
        return Path.of(System.getProperty("java.home"), "bin", "java");
    }
}
