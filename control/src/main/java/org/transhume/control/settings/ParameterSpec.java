package org.transhume.control.settings;

import java.util.List;
import java.util.Map;

/**
 * The declaration of one parameter, written as a chain in {@link Parameter}.
 *
 * @param type kind of value in today's profile; in 3.1 every integer is a signed one of 64 bits
 * @param unit of the value, empty if it has none
 * @param min least value accepted, if an integer
 * @param max greatest value accepted, if an integer; unsigned
 * @param powerOfTwo whether only powers of two are accepted
 * @param refusal text for a value out of range
 * @param default31 value at first in profile 3.1, null if that does not have the parameter
 * @param default100 value at first in profile 10.0, null if that does not have the parameter
 * @param built whether this release honours values other than the default
 * @param effect when a change takes effect during a migration
 * @param description what it is for
 */
record ParameterSpec(
        ParameterType type,
        String unit,
        long min,
        long max,
        boolean powerOfTwo,
        String refusal,
        Object default31,
        Object default100,
        boolean built,
        String effect,
        String description) {

    static ParameterSpec size(String unit) {
        return whole(IntegerType.UINT64, unit, -1L);
    }

    static ParameterSpec uint32(String unit) {
        return whole(IntegerType.UINT32, unit, 0xFFFF_FFFFL);
    }

    static ParameterSpec uint8(String unit) {
        return whole(IntegerType.UINT8, unit, 0xFF);
    }

    private static ParameterSpec whole(IntegerType type, String unit, long max) {
        return of(new ParameterType.Whole(type), unit, max);
    }

    static ParameterSpec flag() {
        return of(new ParameterType.Flag(), "", 0);
    }

    static ParameterSpec text(String unit) {
        return of(new ParameterType.Text(), unit, 0);
    }

    /** {@code accepted} are the values this release has built; a client who asks for another learns that it is none. */
    static ParameterSpec choice(String... accepted) {
        return choice(List.of(accepted), Map.of());
    }

    /** {@code lacking} are further values that QEMU has, each with what to tell a client who asks for it. */
    static ParameterSpec choice(List<String> accepted, Map<String, String> lacking) {
        return of(new ParameterType.Choice(accepted, lacking), "", 0);
    }

    static ParameterSpec mapping() {
        return of(new ParameterType.Mapping(), "", 0);
    }

    private static ParameterSpec of(ParameterType type, String unit, long max) {
        return new ParameterSpec(type, unit, 0, max, false, "", null, null, true, "", "");
    }

    ParameterSpec range(long from, long to, String text) {
        return new ParameterSpec(
                type, unit, from, to, powerOfTwo, text, default31, default100, built, effect, description);
    }

    ParameterSpec powersOfTwoFrom(long least, String text) {
        return new ParameterSpec(type, unit, least, max, true, text, default31, default100, built, effect, description);
    }

    ParameterSpec in31(Object value) {
        return new ParameterSpec(
                type, unit, min, max, powerOfTwo, refusal, boxed(value), default100, built, effect, description);
    }

    ParameterSpec in100(Object value) {
        return new ParameterSpec(
                type, unit, min, max, powerOfTwo, refusal, default31, boxed(value), built, effect, description);
    }

    /** Only the default is accepted; {@code text} tells a client who asks for anything else. */
    ParameterSpec notBuilt(String text) {
        return new ParameterSpec(
                type, unit, min, max, powerOfTwo, text, default31, default100, false, effect, description);
    }

    ParameterSpec effect(String when) {
        return new ParameterSpec(
                type, unit, min, max, powerOfTwo, refusal, default31, default100, built, when, description);
    }

    ParameterSpec about(String text) {
        return new ParameterSpec(type, unit, min, max, powerOfTwo, refusal, default31, default100, built, effect, text);
    }

    private static Object boxed(Object value) {
        return value instanceof Integer number ? (Object) number.longValue() : value;
    }
}
