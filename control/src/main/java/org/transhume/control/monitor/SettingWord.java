package org.transhume.control.monitor;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.transhume.control.qmp.QmpError;
import org.transhume.control.settings.IntegerType;
import org.transhume.control.settings.Parameter;
import org.transhume.control.settings.ParameterType;
import org.transhume.control.settings.Profile;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.BigIntegerNode;
import tools.jackson.databind.node.BooleanNode;
import tools.jackson.databind.node.StringNode;

/** The value of a parameter as operators type it, for {@code migrate-set-parameters}, which checks it. */
final class SettingWord {
    private static final Pattern INTEGER = Pattern.compile("(-?)(?:0[xX]([0-9a-fA-F]+)|([0-9]+))");
    private static final Pattern SIZE = Pattern.compile("([0-9]+(?:\\.[0-9]*)?|\\.[0-9]+)([bBkKmMgGtTpPeE]?)");
    private static final String SUFFIXES = "bkmgtpe";
    private static final int HEXADECIMAL = 16;
    private static final int UNSIGNED_BITS = 64;

    private SettingWord() {}

    /** @throws QmpError if it is nothing that the parameter could be */
    static JsonNode value(Parameter parameter, String word) throws QmpError {
        String name = parameter.wireName();
        // The types of today in every profile: those of 3.1 do not tell sizes from other integers.
        return switch (parameter.type(Profile.V10_0)) {
            case ParameterType.Whole _
            when parameter.unit().equals("bytes/second") && !postcopy(parameter) ->
                BigIntegerNode.valueOf(size(word, "m").orElseThrow(() -> new QmpError("Invalid size " + word)));
            case ParameterType.Whole(IntegerType type)
            when type == IntegerType.UINT64 -> BigIntegerNode.valueOf(sized(name, word));
            case ParameterType.Whole(IntegerType type) -> BigIntegerNode.valueOf(integer(name, type, word));
            case ParameterType.Flag _ -> BooleanNode.valueOf(flag(name, word));
            case ParameterType.Text _, ParameterType.Choice _ -> StringNode.valueOf(word);
            case ParameterType.Mapping _ ->
                throw new QmpError("The " + name + " parameter can only be set through QMP");
        };
    }

    /** The one bandwidth that counts in bytes where no suffix is given: so it is in QEMU. */
    private static boolean postcopy(Parameter parameter) {
        return parameter == Parameter.MAX_POSTCOPY_BANDWIDTH;
    }

    private static boolean flag(String name, String word) throws QmpError {
        return switch (word) {
            case "on", "yes", "true", "y" -> true;
            case "off", "no", "false", "n" -> false;
            default -> throw new QmpError("Parameter '" + name + "' expects 'on' or 'off'");
        };
    }

    private static BigInteger integer(String name, IntegerType type, String word) throws QmpError {
        Matcher integer = INTEGER.matcher(word);
        if (!integer.matches()) {
            throw new QmpError(type.mistyped(name));
        }
        BigInteger value = integer.group(2) == null
                ? new BigInteger(integer.group(3))
                : new BigInteger(integer.group(2), HEXADECIMAL);
        return integer.group(1).isEmpty() ? value : value.negate();
    }

    private static BigInteger sized(String name, String word) throws QmpError {
        Optional<BigInteger> size = size(word, "b");
        if (size.isPresent()) {
            return size.get();
        }
        if (INTEGER.matcher(word).matches()) {
            throw new QmpError("Value '" + word + "' is out of range for parameter '" + name + "'");
        }
        throw new QmpError("Parameter '" + name + "' expects a non-negative number below 2^64\n"
                + "Optional suffix k, M, G, T, P or E means kilo-, mega-, giga-, tera-, peta-\n"
                + "and exabytes, respectively.");
    }

    /** Bytes, or empty if it is no size; {@code usual} is the suffix of a number that has none. */
    private static Optional<BigInteger> size(String word, String usual) {
        Matcher integer = INTEGER.matcher(word);
        if (integer.matches() && integer.group(2) != null && integer.group(1).isEmpty()) {
            return fitting(new BigInteger(integer.group(2), HEXADECIMAL));
        }
        Matcher size = SIZE.matcher(word);
        if (!size.matches()) {
            return Optional.empty();
        }
        String suffix = size.group(2).isEmpty() ? usual : size.group(2).toLowerCase(Locale.ROOT);
        if (suffix.equals("b") && size.group(1).contains(".")) {
            return Optional.empty(); // there are no parts of a byte
        }
        BigDecimal unit = BigDecimal.valueOf(1L << (10 * SUFFIXES.indexOf(suffix)));
        return fitting(new BigDecimal(size.group(1)).multiply(unit).toBigInteger());
    }

    private static Optional<BigInteger> fitting(BigInteger value) {
        return Optional.of(value).filter(v -> v.bitLength() <= UNSIGNED_BITS);
    }
}
