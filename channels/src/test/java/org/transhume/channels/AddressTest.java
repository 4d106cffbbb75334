package org.transhume.channels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

final class AddressTest {

    @ParameterizedTest
    @MethodSource
    void namesWhatTheUriSays(String uri, Address expected) {
        Address address = Address.parse(uri);

        assertEquals(expected, address);
    }

    static Stream<Arguments> namesWhatTheUriSays() {
        return Stream.of(
                Arguments.of("tcp:host.example:4444", new Address.Tcp("host.example", 4444)),
                Arguments.of("tcp:10.0.0.1:0", new Address.Tcp("10.0.0.1", 0)),
                Arguments.of("tcp::4444", new Address.Tcp("", 4444)),
                Arguments.of("tcp:[::1]:65535", new Address.Tcp("::1", 65535)),
                Arguments.of("tcp:[fe80::1%eth0]:1", new Address.Tcp("fe80::1%eth0", 1)),
                Arguments.of("unix:/run/a b:c.sock", new Address.Unix(Path.of("/run/a b:c.sock"))),
                Arguments.of("unix:relative", new Address.Unix(Path.of("relative"))),
                Arguments.of("file:/a", new Address.File(Path.of("/a"), 0)),
                Arguments.of("file:/a,b", new Address.File(Path.of("/a,b"), 0)),
                Arguments.of("file:/a,offset=512", new Address.File(Path.of("/a"), 512)),
                Arguments.of("file:/a,offset=0x1F", new Address.File(Path.of("/a"), 31)),
                Arguments.of("file:/a,offset=4k", new Address.File(Path.of("/a"), 4096)),
                Arguments.of("file:/a,offset=2M", new Address.File(Path.of("/a"), 2 << 20)),
                Arguments.of("file:/a,offset=3G", new Address.File(Path.of("/a"), 3L << 30)),
                Arguments.of("file:/a,offset=1t", new Address.File(Path.of("/a"), 1L << 40)),
                Arguments.of("file:/a,offset=1,offset=2", new Address.File(Path.of("/a,offset=1"), 2)),
                Arguments.of("exec:gzip -c > 'a:b' || exit 1", new Address.Exec("gzip -c > 'a:b' || exit 1")),
                Arguments.of("fd:7", new Address.Fd(7)));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "rdma:host:1|unknown migration protocol: rdma:host:1",
                "TCP:host:1|unknown migration protocol: TCP:host:1",
                "/path|unknown migration protocol: /path",
                "tcp|unknown migration protocol: tcp",
                "tcp:|error parsing address ''",
                "tcp:host|error parsing address 'host'",
                "tcp:host:|error parsing address 'host:'",
                "tcp:host:http|error parsing address 'host:http'",
                "tcp:host:-1|error parsing address 'host:-1'",
                "tcp:host:+1|error parsing address 'host:+1'",
                "tcp:host:65536|error parsing address 'host:65536'",
                "tcp:host:99999999999|error parsing address 'host:99999999999'",
                "tcp:::1:80|error parsing address '::1:80'",
                "tcp:[::1]|error parsing IPv6 address '[::1]'",
                "tcp:[::1:80|error parsing IPv6 address '[::1:80'",
                "tcp:[]:80|error parsing IPv6 address '[]:80'",
                "unix:|invalid Unix socket address",
                "file:|error parsing address ''",
                "file:,offset=1|error parsing address ',offset=1'",
                "exec:|error parsing address ''",
                "fd:|invalid file descriptor address",
                "fd:stdin|File descriptor named 'stdin' has not been found",
                "fd:-1|File descriptor named '-1' has not been found",
                "fd:2147483648|File descriptor named '2147483648' has not been found",
                "file:/a,offset=|file URI has bad offset : Invalid argument",
                "file:/a,offset=x|file URI has bad offset x: Invalid argument",
                "file:/a,offset=-1|file URI has bad offset -1: Invalid argument",
                "file:/a,offset=1kk|file URI has bad offset 1kk: Invalid argument",
                "file:/a,offset=0x|file URI has bad offset 0x: Invalid argument",
                "file:/a,offset=0x8000000000000000|file URI has bad offset 0x8000000000000000: Invalid argument",
                "file:/a,offset=9223372036854775808|file URI has bad offset 9223372036854775808: Invalid argument",
                "file:/a,offset=9223372036854775807k|file URI has bad offset 9223372036854775807k: Invalid argument",
            })
    void refusesWhatItCannotReadInQemusWords(String uri, String message) {
        Throwable refusal = assertThrows(IllegalArgumentException.class, () -> Address.parse(uri));

        assertEquals(message, refusal.getMessage());
    }

    @ParameterizedTest
    @MethodSource("seeds")
    void readsItsOwnTextBack(long seed) {
        Address address = anyAddress(new Random(seed));

        Address back = Address.parse(address.uri());

        assertEquals(address, back, () -> "seed " + seed + ", uri " + address.uri());
    }

    static IntStream seeds() {
        return IntStream.range(0, 500);
    }

    @Test
    void onlySocketsTakeSeveralConnections() {
        List<String> uris = List.of("tcp:h:1", "unix:/a", "file:/a", "exec:a", "fd:1");

        List<Boolean> several =
                uris.stream().map(uri -> Address.parse(uri).multiChannel()).toList();

        assertEquals(List.of(true, true, false, false, false), several);
    }

    private static Address anyAddress(Random random) {
        return switch (random.nextInt(6)) {
            case 0 -> new Address.Tcp(anyText(random, "abc019.-%", 0), random.nextInt(65536));
            case 1 -> new Address.Tcp(anyText(random, "0123456789abcdef", 1) + ":" + ":1", random.nextInt(65536));
            case 2 -> new Address.Unix(Path.of(anyText(random, "abc/.,:= []", 1)));
            case 3 ->
                new Address.File(
                        Path.of(anyText(random, "ab/:=", 1) + (random.nextBoolean() ? ",offset=1" : "")),
                        random.nextBoolean() ? 0 : random.nextLong(Long.MAX_VALUE));
            case 4 -> new Address.Exec(anyText(random, "abc |&;'\":\n", 1));
            default -> new Address.Fd(random.nextInt(Integer.MAX_VALUE));
        };
    }

    private static String anyText(Random random, String letters, int atLeast) {
        return random.ints(atLeast + random.nextInt(20), 0, letters.length())
                .collect(StringBuilder::new, (text, i) -> text.append(letters.charAt(i)), StringBuilder::append)
                .toString();
    }
}
