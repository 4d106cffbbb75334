package org.transhume.control;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.lang.foreign.Linker;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The arrows of the house: control to engine, engine to memory, codec and channels, and none the other way. */
class ArrowsTest {
    private static final String ROOT = "org.transhume";

    /** Every room, and the rooms it may know. Control speaks to the engine, and hands it memory and addresses. */
    private static final Map<String, Set<String>> MAY_KNOW = Map.of(
            "memory", Set.of(),
            "codec", Set.of(),
            "channels", Set.of(),
            "engine", Set.of("memory", "codec", "channels"),
            "control", Set.of("engine", "memory", "channels"));

    private static final JavaClasses HOUSE = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages(ROOT);

    @Test
    void everyRoomIsSeenHere() {
        Set<String> rooms =
                HOUSE.stream().map(c -> c.getPackageName().split("\\.", -1)[2]).collect(Collectors.toSet());

        assertEquals(MAY_KNOW.keySet(), rooms);
    }

    @ParameterizedTest
    @ValueSource(strings = {"memory", "codec", "channels", "engine", "control"})
    void aRoomKnowsOnlyTheRoomsBelowIt(String room) {
        String[] others = Stream.concat(MAY_KNOW.keySet().stream(), Stream.of("benchmarks"))
                .filter(other -> !other.equals(room) && !MAY_KNOW.get(room).contains(other))
                .map(ArrowsTest::inside)
                .toArray(String[]::new);

        noClasses()
                .that()
                .resideInAPackage(inside(room))
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(others)
                .because("arrows point from %s to %s only"
                        .formatted(room, MAY_KNOW.get(room).isEmpty() ? "no room" : MAY_KNOW.get(room)))
                .check(HOUSE);
    }

    @Test
    void memoryKnowsNoSocketsAndTheCodecNoSystemCalls() {
        noClasses()
                .that()
                .resideInAnyPackage(inside("memory"), inside("codec"))
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("java.net..", "java.nio.channels..")
                .check(HOUSE);
        // One class calls libzstd (docs/decisions/0008), and finds nothing but what that library exports.
        noClasses()
                .that()
                .resideInAPackage(inside("codec"))
                .and()
                .doNotHaveFullyQualifiedName("org.transhume.codec.compression.ZstdContext")
                .should()
                .dependOnClassesThat()
                .haveFullyQualifiedName("java.lang.foreign.Linker")
                .check(HOUSE);
        noClasses()
                .that()
                .resideInAPackage(inside("codec"))
                .should()
                .callMethod(Linker.class, "defaultLookup")
                .check(HOUSE);
    }

    @Test
    void noPackageIsPartOfACycle() {
        List<String> roots = Arrays.asList(ROOT + ".(*)..", ROOT + ".(**)");

        for (String packages : roots) {
            slices().matching(packages).should().beFreeOfCycles().check(HOUSE);
        }
    }

    private static String inside(String room) {
        return ROOT + "." + room + "..";
    }
}
