package org.transhume.control.image;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import org.transhume.memory.PageSize;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.databind.json.JsonMapper;

/** Reads and writes {@code manifest.json}. What it says is checked before anything is done with it: it may come from anywhere. */
final class ManifestFile {
    static final String NAME = "manifest.json";

    private static final ObjectMapper JSON = JsonMapper.builder()
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .build();

    private ManifestFile() {}

    static void write(Manifest manifest, Path directory) throws IOException {
        Files.write(
                directory.resolve(NAME), JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(manifest));
    }

    /** @throws IOException if it is none, or names what is not in the directory */
    static Manifest read(Path directory) throws IOException {
        Path file = directory.resolve(NAME);
        if (Files.notExists(file)) {
            throw new IOException(
                    NewDirectory.unfinished(directory)
                            ? "%s was not written to its end, and cannot be used: its process died meanwhile"
                                    .formatted(directory)
                            : "%s holds no guest: there is no %s in it".formatted(directory, NAME));
        }
        Manifest manifest;
        try {
            manifest = JSON.readValue(Files.readAllBytes(file), Manifest.class);
        } catch (JacksonException e) {
            throw new IOException("%s: %s".formatted(file, e.getOriginalMessage()), e);
        }
        if (manifest == null) {
            throw new IOException("%s: null, expected an object".formatted(file));
        }
        if (manifest.format() != Manifest.FORMAT) {
            throw new IOException("%s: format %d, expected %d".formatted(file, manifest.format(), Manifest.FORMAT));
        }
        check(manifest, directory, file);
        return manifest;
    }

    private static void check(Manifest manifest, Path directory, Path file) throws IOException {
        require(manifest.machine() != null, file, "no machine");
        require(manifest.blocks() != null && !manifest.blocks().isEmpty(), file, "no blocks");
        require(manifest.deviceState() != null || manifest.half() != null, file, "no deviceState");
        if (manifest.deviceState() != null) {
            Path _ = inside(directory, manifest.deviceState());
        }
        Set<String> names = new HashSet<>();
        for (Manifest.Block block : manifest.blocks()) {
            require(block != null && block.name() != null, file, "a block without a name");
            String name = "block '%s'".formatted(block.name());
            require(names.add(block.name()), file, name + " twice");
            require(
                    block.size() > 0 && PageSize.TARGET.isAligned(block.size()),
                    file,
                    "%s of %d bytes, expected a positive multiple of %d".formatted(name, block.size(), PageSize.BYTES));
            Path ram = inside(directory, block.file());
            if (Files.size(ram) != block.size()) {
                throw new IOException(
                        "%s: %d bytes, the manifest says %d".formatted(ram, Files.size(ram), block.size()));
            }
            if (manifest.half() != null) {
                require(block.present() != null, file, name + " without a list of its present pages");
                Path _ = inside(directory, block.present().file());
            }
        }
    }

    private static void require(boolean condition, Path file, String problem) throws IOException {
        if (!condition) {
            throw new IOException("%s: %s; it was damaged, or is not of this version".formatted(file, problem));
        }
    }

    /**
     * A file of the directory.
     *
     * @param file as the manifest has it
     * @throws IOException if it is none, or lies elsewhere
     */
    static Path inside(Path directory, String file) throws IOException {
        Path manifest = directory.resolve(NAME);
        Path path;
        try {
            require(file != null && !file.isEmpty(), manifest, "a file without a name");
            path = directory.resolve(file);
        } catch (InvalidPathException e) {
            throw new IOException("%s: file '%s': %s".formatted(manifest, file, e.getReason()), e);
        }
        if (Files.notExists(path)) {
            throw new IOException("%s: the manifest names it, and it is not there".formatted(path));
        }
        if (!path.toRealPath().startsWith(directory.toRealPath())) {
            throw new IOException(
                    "%s: file '%s' lies outside of the directory, expected one in it".formatted(manifest, file));
        }
        if (!Files.isRegularFile(path)) {
            throw new IOException("%s: expected a regular file".formatted(path));
        }
        return path;
    }
}
