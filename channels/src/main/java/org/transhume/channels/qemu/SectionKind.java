package org.transhume.channels.qemu;

/** The three kinds of RAM section, in the order in which they come. */
public enum SectionKind {
    START(Wire.SECTION_START),
    PART(Wire.SECTION_PART),
    END(Wire.SECTION_END);

    final int code;

    SectionKind(int code) {
        this.code = code;
    }
}
