package org.transhume.benchmarks.guard;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What this build is held against: a class path, and the JVM flags that go with it. Gives back what was made for it. */
final class OlderBuild implements AutoCloseable {
    private static final Pattern FLAGS = Pattern.compile("<jvm\\.flags>(.*)</jvm\\.flags>");

    private final List<String> flags;
    private final String classPath;
    private final Path worktree; // null if none was made

    private OlderBuild(List<String> flags, String classPath, Path worktree) {
        this.flags = flags;
        this.classPath = classPath;
        this.worktree = worktree;
    }

    /** The newest tag {@code v*} that leads to what is checked out here. */
    static Optional<String> lastRelease() throws IOException, InterruptedException {
        Process git = new ProcessBuilder("git", "describe", "--tags", "--abbrev=0", "--match", "v*")
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        String tag = new String(git.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        return git.waitFor() == 0 ? Optional.of(tag) : Optional.empty();
    }

    /**
     * @param baseline a checkout that is built, a directory of jars, a class path, or a git ref
     * @throws IOException if it is none of them, or cannot be built
     */
    static OlderBuild of(String baseline) throws IOException, InterruptedException {
        Path path = Path.of(baseline);
        if (Files.isDirectory(path)) {
            return Files.exists(path.resolve("pom.xml"))
                    ? ofCheckout(path, null)
                    : new OlderBuild(flags(Path.of("pom.xml")), jars(path), null);
        }
        if (baseline.contains(".jar")) {
            return new OlderBuild(flags(Path.of("pom.xml")), baseline, null);
        }
        return ofRef(baseline);
    }

    private static OlderBuild ofRef(String ref) throws IOException, InterruptedException {
        Path worktree = Files.createTempDirectory("transhume-guard").resolve("build");
        run("git", "worktree", "add", "--detach", "--force", worktree.toString(), ref);
        try {
            // It builds what is not built before it answers.
            run(worktree.resolve("bin/transhume").toString(), "--help");
            return ofCheckout(worktree, worktree);
        } catch (IOException | InterruptedException | RuntimeException e) {
            remove(worktree);
            throw e;
        }
    }

    private static OlderBuild ofCheckout(Path root, Path worktree) throws IOException {
        Path target = root.resolve("control/target").toAbsolutePath();
        if (!Files.exists(target.resolve("class-path"))) {
            throw new IOException("%s is not built: run bin/transhume --help there".formatted(root));
        }
        String classPath = target.resolve("control.jar") + ":"
                + Files.readString(target.resolve("class-path")).strip();
        return new OlderBuild(flags(root.resolve("pom.xml")), classPath, worktree);
    }

    private static List<String> flags(Path pom) throws IOException {
        Matcher flags = FLAGS.matcher(Files.readString(pom));
        if (!flags.find()) {
            throw new IOException("%s: no jvm.flags, expected those to run it with".formatted(pom));
        }
        return List.of(flags.group(1).split(" ", -1));
    }

    private static String jars(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            String jars = files.map(Path::toString)
                    .filter(name -> name.endsWith(".jar"))
                    .sorted()
                    .collect(Collectors.joining(":"));
            if (jars.isEmpty()) {
                throw new IOException("%s: no jars and no pom.xml, expected either".formatted(directory));
            }
            return jars;
        }
    }

    List<String> flags() {
        return flags;
    }

    String classPath() {
        return classPath;
    }

    private static void run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        process.getOutputStream().close();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new IOException("%s: %s".formatted(String.join(" ", command), said.strip()));
        }
    }

    private static void remove(Path worktree) throws IOException, InterruptedException {
        run("git", "worktree", "remove", "--force", worktree.toString());
        Files.delete(worktree.getParent());
    }

    @Override
    public void close() throws IOException {
        if (worktree != null) {
            try {
                remove(worktree);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
