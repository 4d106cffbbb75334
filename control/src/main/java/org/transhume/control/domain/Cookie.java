package org.transhume.control.domain;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.transhume.control.domain.error.UnsupportedCapabilityException;

/** What one host has to tell the other beside the phases themselves, in named sections. */
public record Cookie(List<Section> sections) {
    public static final Cookie EMPTY = new Cookie(List.of());

    /**
     * @param mandatory whether a host that does not know it must refuse
     * @param data text, of a form that the name implies
     */
    public record Section(String name, boolean mandatory, String data) {}

    public Cookie {
        sections = List.copyOf(sections);
    }

    public Optional<String> section(String name) {
        return sections.stream()
                .filter(section -> section.name().equals(name))
                .map(Section::data)
                .findFirst();
    }

    /** @throws UnsupportedCapabilityException if a mandatory section is not among {@code known} */
    public void require(Set<String> known) {
        sections.stream()
                .filter(section -> section.mandatory() && !known.contains(section.name()))
                .findFirst()
                .ifPresent(section -> {
                    throw new UnsupportedCapabilityException(
                            "the other host demands '%s', which this one does not know: use the same version on both"
                                    .formatted(section.name()));
                });
    }
}
