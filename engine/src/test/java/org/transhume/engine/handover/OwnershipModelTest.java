package org.transhume.engine.handover;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** All interleavings of source, destination and a network that fails, over the very machines that the migrations use. */
class OwnershipModelTest {
    private static final Set<Fault> ALL = EnumSet.allOf(Fault.class);

    @ParameterizedTest
    @EnumSource(Agreement.class)
    void whateverFailsNeverDoBothRunTheGuestAndWhereNobodyMayTheSourceSaysSo(Agreement agreement) {
        Exploration all = new Exploration(agreement, Rules.TRUE, ALL);

        all.check();

        System.out.printf("%s: %d states, %d of them ends%n", agreement, all.states(), all.quietStates());
        assertTrue(all.quietStates() > 0);
        assertTrue(all.reaches(world -> world.source().runs()));
        assertTrue(all.reaches(world -> world.destination().runs()));
    }

    @ParameterizedTest
    @EnumSource(Agreement.class)
    void whereNothingFailsTheGuestArrives(Agreement agreement) {
        Exploration smooth = new Exploration(agreement, Rules.TRUE, Set.of());

        smooth.check();

        assertFalse(smooth.reaches(world -> world.source().runs()));
        assertEquals(
                smooth.quietStates(),
                smooth.quiet(world -> world.destination().runs()
                        && world.destination().report() == World.Report.COMPLETED
                        && (world.source().report() == World.Report.COMPLETED
                                || world.source().report() == World.Report.COMPLETED_UNASKED)));
    }

    @Test
    void withXHandoverALostConnectionAloneLeavesNothingUnknown() {
        Set<Fault> mended = EnumSet.complementOf(
                EnumSet.of(Fault.DESTINATION_DIES, Fault.QUESTION_LOST, Fault.STOPS_ASKING, Fault.STOPS_LISTENING));

        assertFalse(new Exploration(Agreement.GRANTED, Rules.TRUE, mended).reaches(OwnershipModelTest::unknown));
        assertTrue(new Exploration(Agreement.ANSWERED, Rules.TRUE, mended).reaches(OwnershipModelTest::unknown));
    }

    @ParameterizedTest
    @EnumSource(
            value = Fault.class,
            names = {"DESTINATION_DIES", "STOPS_ASKING"})
    void withXHandoverOnlyADestinationThatCannotBeAskedLeavesItUnknown(Fault fault) {
        Set<Fault> faults = EnumSet.of(Fault.CUT, fault);

        assertTrue(new Exploration(Agreement.GRANTED, Rules.TRUE, faults).reaches(OwnershipModelTest::unknown));
    }

    private static boolean unknown(World world) {
        return world.source().report() == World.Report.OWNERSHIP_UNKNOWN;
    }

    static List<Named<Wrong>> wrong() {
        return List.of(
                Named.of(
                        "the source resumes behind GRANT without an answer",
                        source(
                                Agreement.GRANTED,
                                SourceOwnership.State.HANDED_OVER,
                                SourceOwnership.Event.LOST,
                                SourceOwnership.State.HERE)),
                Named.of(
                        "the source takes a lost SHUT for a refusal",
                        source(
                                Agreement.ANSWERED,
                                SourceOwnership.State.HANDED_OVER,
                                SourceOwnership.Event.LOST,
                                SourceOwnership.State.BACK)),
                Named.of(
                        "the source takes silence for a renunciation",
                        source(
                                Agreement.GRANTED,
                                SourceOwnership.State.ASKING,
                                SourceOwnership.Event.SILENT,
                                SourceOwnership.State.BACK)),
                Named.of(
                        "the source takes silence for success",
                        source(
                                Agreement.GRANTED,
                                SourceOwnership.State.ASKING,
                                SourceOwnership.Event.SILENT,
                                SourceOwnership.State.THERE)),
                Named.of(
                        "the source never stops to ask",
                        source(
                                Agreement.GRANTED,
                                SourceOwnership.State.ASKING,
                                SourceOwnership.Event.SILENT,
                                SourceOwnership.State.ASKING)),
                Named.of(
                        "the source can be cancelled behind GRANT",
                        source(
                                Agreement.GRANTED,
                                SourceOwnership.State.HANDED_OVER,
                                SourceOwnership.Event.CANCEL,
                                SourceOwnership.State.CANCELLED)),
                Named.of(
                        "the source can be cancelled behind the last byte",
                        source(
                                Agreement.UNANSWERED,
                                SourceOwnership.State.HANDED_OVER,
                                SourceOwnership.Event.CANCEL,
                                SourceOwnership.State.CANCELLED)),
                Named.of(
                        "the source does not know before it hands over",
                        source(
                                Agreement.GRANTED,
                                SourceOwnership.State.OFFERED,
                                SourceOwnership.Event.LOST,
                                SourceOwnership.State.UNKNOWN)),
                Named.of(
                        "the destination starts before GRANT",
                        destination(
                                Agreement.GRANTED,
                                DestinationOwnership.State.LOADING,
                                DestinationOwnership.Event.LOADED,
                                DestinationOwnership.State.GRANTED)),
                Named.of(
                        "the destination takes the end of the connection for GRANT",
                        destination(
                                Agreement.GRANTED,
                                DestinationOwnership.State.WAITING,
                                DestinationOwnership.Event.LOST,
                                DestinationOwnership.State.GRANTED)),
                Named.of(
                        "the destination obeys a GRANT that comes too late",
                        destination(
                                Agreement.GRANTED,
                                DestinationOwnership.State.RENOUNCED,
                                DestinationOwnership.Event.GRANT,
                                DestinationOwnership.State.GRANTED)),
                Named.of(
                        "the destination renounces while it starts",
                        destination(
                                Agreement.GRANTED,
                                DestinationOwnership.State.GRANTED,
                                DestinationOwnership.Event.ASKED,
                                DestinationOwnership.State.RENOUNCED)),
                Named.of(
                        "the destination says that it runs before it does",
                        destination(
                                Agreement.GRANTED,
                                DestinationOwnership.State.WAITING,
                                DestinationOwnership.Event.GRANT,
                                DestinationOwnership.State.RUNS)));
    }

    @ParameterizedTest
    @MethodSource("wrong")
    void aMachineThatIsWrongIsFound(Wrong wrong) {
        Exploration exploration = new Exploration(wrong.agreement, wrong.rules, ALL);

        AssertionError found = assertThrows(AssertionError.class, exploration::check);

        assertTrue(found.getMessage().contains("the guest stands at the source"), found.getMessage());
    }

    private record Wrong(Agreement agreement, Rules rules) {}

    private static Wrong source(
            Agreement agreement, SourceOwnership.State in, SourceOwnership.Event at, SourceOwnership.State to) {
        return new Wrong(agreement, new Rules() {
            @Override
            public SourceOwnership source(SourceOwnership now, SourceOwnership.Event event) {
                return now.state() == in && event == at ? new SourceOwnership(agreement, to) : now.after(event);
            }
        });
    }

    private static Wrong destination(
            Agreement agreement,
            DestinationOwnership.State in,
            DestinationOwnership.Event at,
            DestinationOwnership.State to) {
        return new Wrong(agreement, new Rules() {
            @Override
            public DestinationOwnership destination(DestinationOwnership now, DestinationOwnership.Event event) {
                return now.state() == in && event == at ? new DestinationOwnership(agreement, to) : now.after(event);
            }
        });
    }
}
