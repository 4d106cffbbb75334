package org.transhume.control.settings;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/** Value of {@code block-bitmap-mapping}: how block nodes and their dirty bitmaps are called in the stream. */
public record BitmapMapping(List<Node> nodes) {
    private static final Pattern WELL_FORMED = Pattern.compile("[A-Za-z][A-Za-z0-9._-]*");
    private static final int LONGEST_ALIAS = 255;
    private static final int LONGEST_BITMAP_NAME = 1023;

    public BitmapMapping {
        nodes = List.copyOf(nodes);
    }

    /** A block node, called {@code alias} in the stream. */
    public record Node(String nodeName, String alias, List<Bitmap> bitmaps) {
        public Node {
            bitmaps = List.copyOf(bitmaps);
        }
    }

    /** A bitmap of a node, called {@code alias} in the stream, and what to change about it on the way. */
    public record Bitmap(String name, String alias, Optional<Transform> transform) {}

    /** What changes about a bitmap on the way; empty leaves it as it was. */
    public record Transform(Optional<Boolean> persistent) {}

    /** What is wrong with it, in the words for the client. */
    Optional<String> flaw() {
        return firstFlaw().map(flaw -> "Invalid mapping given for block-bitmap-mapping: " + flaw);
    }

    private Optional<String> firstFlaw() {
        Set<String> names = new HashSet<>();
        Set<String> aliases = new HashSet<>();
        for (Node node : nodes) {
            if (!WELL_FORMED.matcher(node.alias).matches()) {
                return Optional.of("The node alias '" + node.alias + "' is not well-formed");
            }
            if (longerThan(LONGEST_ALIAS, node.alias)) {
                return Optional.of("The node alias '" + node.alias + "' is longer than 255 bytes");
            }
            if (!names.add(node.nodeName)) {
                return Optional.of("The node name '" + node.nodeName + "' is mapped twice");
            }
            if (!aliases.add(node.alias)) {
                return Optional.of("The node alias '" + node.alias + "' is used twice");
            }
            Optional<String> flaw = firstFlaw(node);
            if (flaw.isPresent()) {
                return flaw;
            }
        }
        return Optional.empty();
    }

    private static Optional<String> firstFlaw(Node node) {
        Set<String> names = new HashSet<>();
        Set<String> aliases = new HashSet<>();
        for (Bitmap bitmap : node.bitmaps) {
            if (longerThan(LONGEST_BITMAP_NAME, bitmap.name)) {
                return Optional.of("The bitmap name '" + bitmap.name + "' is longer than 1023 bytes");
            }
            if (longerThan(LONGEST_ALIAS, bitmap.alias)) {
                return Optional.of("The bitmap alias '" + bitmap.alias + "' is longer than 255 bytes");
            }
            if (!names.add(bitmap.name)) {
                return Optional.of("The bitmap '" + node.nodeName + "'/'" + bitmap.name + "' is mapped twice");
            }
            if (!aliases.add(bitmap.alias)) {
                return Optional.of("The bitmap alias '" + node.alias + "'/'" + bitmap.alias + "' is used twice");
            }
        }
        return Optional.empty();
    }

    private static boolean longerThan(int bytes, String text) {
        return text.getBytes(UTF_8).length > bytes;
    }
}
