package org.transhume.control.settings;

import java.math.BigInteger;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads the value of a parameter from text, as on a command line: {@code 64M}, {@code on}, {@code multifd}. */
public final class ParameterText {
    private static final Pattern NUMBER = Pattern.compile("(-?[0-9]+)([kKmMgGtT]?)");
    private static final String SUFFIXES = "kmgt";

    private ParameterText() {}

    /**
     * The value of {@code parameter} that {@code text} means in {@code profile}; its range is not yet checked. Numbers
     * may end in k, M, G or T, each 1024 times the one before.
     *
     * @throws SettingRefusedException if it is not of the parameter's type
     */
    public static Object parse(Parameter parameter, Profile profile, String text) throws SettingRefusedException {
        String name = parameter.wireName();
        return switch (parameter.type(profile)) {
            case ParameterType.Whole(IntegerType type) -> whole(name, type, text);
            case ParameterType.Flag _ ->
                switch (text) {
                    case "on", "true" -> true;
                    case "off", "false" -> false;
                    default -> throw new SettingRefusedException("Parameter '" + name + "' expects 'on' or 'off'");
                };
            case ParameterType.Text _ -> text;
            case ParameterType.Choice choice -> {
                if (!choice.knows(text)) {
                    throw new SettingRefusedException("Parameter '" + name + "' does not accept value '" + text + "'");
                }
                yield text;
            }
            case ParameterType.Mapping _ ->
                throw new SettingRefusedException("The " + name + " parameter can only be set through QMP");
        };
    }

    private static Long whole(String name, IntegerType type, String text) throws SettingRefusedException {
        Matcher number = NUMBER.matcher(text);
        if (!number.matches()) {
            throw new SettingRefusedException(type.mistyped(name));
        }
        int power = SUFFIXES.indexOf(number.group(2).toLowerCase(Locale.ROOT)) + 1;
        BigInteger value =
                new BigInteger(number.group(1)).shiftLeft(number.group(2).isEmpty() ? 0 : 10 * power);
        return type.fit(value).orElseThrow(() -> new SettingRefusedException(type.refusal(name, name, value)));
    }
}
