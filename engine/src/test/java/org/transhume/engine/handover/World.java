package org.transhume.engine.handover;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * Source, destination and the network between them, from the moment the guest stands at the source. One value of it is one
 * state of all; {@link #next} gives those that can follow.
 */
record World(Source source, Destination destination, Path there, Path back, List<Question> questions) {
    private static final int QUESTIONS = 3;

    enum Message {
        /** All, with the last byte of QEMU's stream; with x-handover all but the word. */
        STREAM,
        GRANT,
        READY,
        SHUT_LOADED,
        SHUT_REFUSED
    }

    /** On a connection of its own. */
    enum Question {
        ASKED,
        RUNS,
        RENOUNCED,
        LOST
    }

    enum Report {
        NONE,
        COMPLETED,
        /** Completed, and nobody was asked. */
        COMPLETED_UNASKED,
        FAILED,
        CANCELLED,
        OWNERSHIP_UNKNOWN
    }

    /** How far a side is with what its ownership demands to be said. */
    enum Speech {
        DUE,
        /** Handed to the network; the call has not returned. */
        WRITTEN,
        DONE
    }

    record Source(
            boolean alive, SourceOwnership ownership, Speech speech, boolean handedOver, boolean runs, Report report) {
        Source with(SourceOwnership value, Speech next) {
            return new Source(
                    alive, value, next, handedOver || value.state() == SourceOwnership.State.HANDED_OVER, runs, report);
        }
    }

    /** @param spoke whether what {@code ownership} demands was written */
    record Destination(
            boolean alive,
            DestinationOwnership ownership,
            boolean spoke,
            boolean listens,
            boolean runs,
            boolean ran,
            Report report) {
        Destination with(DestinationOwnership value, boolean spoke) {
            return new Destination(alive, value, spoke, listens, runs, ran, report);
        }
    }

    /** One direction of the main connection. Behind a cut nothing arrives, and then its reader sees the end. */
    record Path(List<Message> inFlight, boolean cut) {
        Path with(Message message) {
            if (cut) {
                return this;
            }
            List<Message> all = new ArrayList<>(inFlight);
            all.add(message);
            return new Path(List.copyOf(all), false);
        }

        Path taken() {
            return new Path(List.copyOf(inFlight.subList(1, inFlight.size())), cut);
        }

        Path cutBehind(int messages) {
            return new Path(List.copyOf(inFlight.subList(0, messages)), true);
        }

        Path closed() {
            return cutBehind(inFlight.size());
        }

        boolean ended() {
            return cut && inFlight.isEmpty();
        }
    }

    /** @param fault null for what belongs to the protocol */
    record Step(String what, Fault fault, World world) {}

    static World of(Agreement agreement) {
        return new World(
                new Source(true, new SourceOwnership(agreement), Speech.DONE, false, false, Report.NONE),
                new Destination(true, new DestinationOwnership(agreement), true, true, false, false, Report.NONE),
                new Path(List.of(), false),
                new Path(List.of(), false),
                List.of());
    }

    Agreement agreement() {
        return source.ownership().agreement();
    }

    private boolean xHandover() {
        return agreement() == Agreement.GRANTED;
    }

    private boolean returnPath() {
        return agreement() != Agreement.UNANSWERED;
    }

    /** Everything that can happen next. */
    List<Step> next(Rules rules, Set<Fault> faults) {
        List<Step> steps = new ArrayList<>();
        if (source.alive) {
            sourceSteps(steps, rules);
        }
        if (destination.alive) {
            destinationSteps(steps, rules);
        }
        networkFaults(steps);
        steps.removeIf(step -> step.fault != null && !faults.contains(step.fault));
        return steps;
    }

    // The source

    private void sourceSteps(List<Step> steps, Rules rules) {
        steps.add(new Step("source dies", Fault.SOURCE_DIES, sourceDead()));
        if (source.report != Report.NONE) {
            return;
        }
        SourceOwnership now = source.ownership;
        steps.add(new Step("cancel", Fault.CANCEL, cancelled(rules)));
        if (now.state() != SourceOwnership.State.ASKING && !now.theirs()) {
            steps.add(new Step("source loses patience", Fault.IMPATIENCE, sourceLoses(rules)));
        }
        if (there.cut || (returnPath() && back.ended())) {
            steps.add(new Step("source sees the connection lost", null, sourceLoses(rules)));
        }
        switch (source.speech) {
            case DUE -> {
                steps.add(sourceWrites());
                return;
            }
            case WRITTEN -> {
                SourceOwnership sent = now.state() == SourceOwnership.State.HANDED_OVER
                        ? rules.source(now, SourceOwnership.Event.SENT)
                        : now;
                steps.add(new Step(
                        "source has sent", null, source(sent, Speech.DONE).sourceConcludes()));
                return;
            }
            case DONE -> {
                // It waits, or decides.
            }
        }
        switch (now.state()) {
            case HERE -> {
                SourceOwnership.Event event =
                        xHandover() ? SourceOwnership.Event.OFFER : SourceOwnership.Event.HAND_OVER;
                steps.add(new Step("source: " + event, null, source(rules.source(now, event), Speech.DUE)));
            }
            case READY ->
                steps.add(new Step(
                        "source: HAND_OVER",
                        null,
                        source(rules.source(now, SourceOwnership.Event.HAND_OVER), Speech.DUE)));
            case ASKING -> asking(steps, rules);
            default -> {
                // It waits for the destination.
            }
        }
        if (!back.inFlight.isEmpty()
                && now.state() != SourceOwnership.State.ASKING
                && now.state() != SourceOwnership.State.HERE) {
            steps.add(new Step("source reads " + back.inFlight.getFirst(), null, sourceReads(rules)));
        }
    }

    private Step sourceWrites() {
        boolean word = xHandover() && source.ownership.state() == SourceOwnership.State.HANDED_OVER;
        Message message = word ? Message.GRANT : Message.STREAM;
        return new Step(
                "source writes " + message,
                null,
                new World(
                        source.with(source.ownership, Speech.WRITTEN),
                        destination,
                        there.with(message),
                        back,
                        questions));
    }

    private World sourceReads(Rules rules) {
        SourceOwnership now = source.ownership;
        World read = new World(source, destination, there, back.taken(), questions);
        return switch (back.inFlight.getFirst()) {
            case READY -> read.source(rules.source(now, SourceOwnership.Event.READY), Speech.DONE);
            case SHUT_LOADED -> read.sourceAnswered(rules.source(now, SourceOwnership.Event.LOADED));
            case SHUT_REFUSED -> read.sourceAnswered(rules.source(now, SourceOwnership.Event.REFUSED));
            case STREAM, GRANT -> throw new AssertionError(back);
        };
    }

    /** Whatever the last message says, it ends the migration. */
    private World sourceAnswered(SourceOwnership value) {
        World answered = source(value, Speech.DONE);
        return value.ours() ? answered.sourceFails() : answered.sourceConcludes();
    }

    private World sourceLoses(Rules rules) {
        World lost = source(rules.source(source.ownership, SourceOwnership.Event.LOST), Speech.DONE);
        return lost.source.ownership.state() == SourceOwnership.State.ASKING
                ? new World(lost.source, destination, there.closed(), back, questions)
                : lost.source.ownership.ours() ? lost.sourceFails() : lost.sourceConcludes();
    }

    private World cancelled(Rules rules) {
        SourceOwnership after = rules.source(source.ownership, SourceOwnership.Event.CANCEL);
        return after.state() == SourceOwnership.State.CANCELLED
                ? source(after, Speech.DONE).sourceEnds(Report.CANCELLED, true)
                : this;
    }

    private void asking(List<Step> steps, Rules rules) {
        SourceOwnership now = source.ownership;
        if (questions.size() < QUESTIONS) {
            List<Question> more = new ArrayList<>(questions);
            more.add(Question.ASKED);
            steps.add(new Step("source asks", null, new World(source, destination, there, back, List.copyOf(more))));
        }
        // An answer to an earlier question is not listened to any more.
        Question last = questions.isEmpty() ? Question.LOST : questions.getLast();
        if (last == Question.RUNS) {
            steps.add(new Step(
                    "source hears RUNS",
                    null,
                    source(rules.source(now, SourceOwnership.Event.RUNS), Speech.DONE)
                            .sourceConcludes()));
        }
        if (last == Question.RENOUNCED) {
            steps.add(new Step(
                    "source hears RENOUNCED",
                    null,
                    source(rules.source(now, SourceOwnership.Event.RENOUNCED), Speech.DONE)
                            .sourceFails()));
        }
        World silent = source(rules.source(now, SourceOwnership.Event.SILENT), Speech.DONE);
        World given = silent.source.ownership.ours() ? silent.sourceFails() : silent.sourceConcludes();
        boolean nobody =
                !destination.alive || !destination.listens || (questions.size() == QUESTIONS && last == Question.LOST);
        steps.add(new Step("source stops asking", nobody ? null : Fault.STOPS_ASKING, given));
    }

    private World source(SourceOwnership value, Speech speech) {
        return new World(source.with(value, speech), destination, there, back, questions);
    }

    private World sourceFails() {
        return sourceEnds(Report.FAILED, true);
    }

    /** As {@code OutgoingMigration} does at its end: succeeds, or does not know; or goes on. */
    private World sourceConcludes() {
        return switch (source.ownership.state()) {
            case UNCONFIRMED -> sourceEnds(Report.COMPLETED_UNASKED, false);
            case THERE -> sourceEnds(Report.COMPLETED, false);
            case UNKNOWN -> sourceEnds(Report.OWNERSHIP_UNKNOWN, false);
            default -> this;
        };
    }

    private World sourceEnds(Report report, boolean resumes) {
        return new World(
                new Source(true, source.ownership, Speech.DONE, source.handedOver, resumes, report),
                destination,
                there.closed(),
                back,
                questions);
    }

    private World sourceDead() {
        return new World(
                new Source(false, source.ownership, Speech.DONE, source.handedOver, false, source.report),
                destination,
                there.closed(),
                back,
                questions);
    }

    // The destination

    private void destinationSteps(List<Step> steps, Rules rules) {
        steps.add(new Step("destination dies", Fault.DESTINATION_DIES, destinationDead()));
        DestinationOwnership now = destination.ownership;
        if (destination.listens) {
            answering(steps, rules);
        }
        if (destination.report != Report.NONE) {
            if (destination.listens) {
                steps.add(new Step(
                        "destination stops listening",
                        Fault.STOPS_LISTENING,
                        destination(new Destination(
                                true, now, true, false, destination.runs, destination.ran, destination.report))));
            }
            return;
        }
        if (now.state() == DestinationOwnership.State.RENOUNCED
                && !there.inFlight.isEmpty()
                && there.inFlight.getFirst() == Message.GRANT) {
            destinationReads(steps, rules); // it was asked while it read
        }
        if (!destination.spoke) {
            destinationSpeaks(steps);
            return;
        }
        switch (now.state()) {
            case LOADING, WAITING -> {
                steps.add(new Step(
                        "abort", Fault.ABORT, destinationAfter(rules, DestinationOwnership.Event.FAILED, false)));
                if (xHandover()) {
                    steps.add(new Step(
                            "destination loses patience",
                            Fault.IMPATIENCE,
                            destinationAfter(rules, DestinationOwnership.Event.LOST, false)));
                }
                if (there.ended()) {
                    steps.add(new Step(
                            "destination sees the end",
                            null,
                            destinationAfter(rules, DestinationOwnership.Event.LOST, false)));
                }
                if (!there.inFlight.isEmpty()) {
                    destinationReads(steps, rules);
                }
            }
            case GRANTED -> {
                if (destination.runs) {
                    steps.add(new Step(
                            "destination: STARTED",
                            null,
                            destinationAfter(rules, DestinationOwnership.Event.STARTED, false)));
                } else {
                    steps.add(new Step(
                            "destination starts the guest",
                            null,
                            destination(new Destination(true, now, true, true, true, true, Report.NONE))));
                    steps.add(new Step(
                            "the guest does not start",
                            Fault.START_FAILS,
                            destinationAfter(rules, DestinationOwnership.Event.FAILED, false)));
                }
            }
            case RUNS, RENOUNCED -> {
                // spoke, and reported
            }
        }
    }

    private void destinationReads(List<Step> steps, Rules rules) {
        Message message = there.inFlight.getFirst();
        World read = new World(source, destination, there.taken(), back, questions);
        if (message == Message.STREAM) {
            steps.add(new Step(
                    "destination loads all",
                    null,
                    read.destinationAfter(rules, DestinationOwnership.Event.LOADED, !xHandover())));
            steps.add(new Step(
                    "destination cannot load",
                    Fault.LOAD_FAILS,
                    read.destinationAfter(rules, DestinationOwnership.Event.FAILED, false)));
        } else {
            steps.add(new Step(
                    "destination reads " + message,
                    null,
                    read.destinationAfter(
                            rules,
                            DestinationOwnership.Event.GRANT,
                            destination.ownership.state() == DestinationOwnership.State.WAITING)));
        }
    }

    private void destinationSpeaks(List<Step> steps) {
        DestinationOwnership now = destination.ownership;
        switch (now.state()) {
            case WAITING ->
                steps.add(new Step(
                        "destination sends READY",
                        null,
                        new World(source, destination.with(now, true), there, back.with(Message.READY), questions)));
            case RUNS -> steps.add(destinationEnds(Message.SHUT_LOADED, Report.COMPLETED));
            case RENOUNCED -> steps.add(destinationEnds(Message.SHUT_REFUSED, Report.FAILED));
            default -> steps.add(new Step("destination goes on", null, destination(destination.with(now, true))));
        }
    }

    private Step destinationEnds(Message last, Report report) {
        Path path = returnPath() ? back.with(last) : back;
        return new Step(
                "destination ends: " + report,
                null,
                new World(
                        source,
                        new Destination(
                                true,
                                destination.ownership,
                                true,
                                destination.listens,
                                destination.runs,
                                destination.ran,
                                report),
                        there,
                        path.closed(),
                        questions));
    }

    private void answering(List<Step> steps, Rules rules) {
        for (int i = 0; i < questions.size(); i++) {
            if (questions.get(i) == Question.ASKED) {
                int index = i;
                boolean waited = destination.ownership.state() == DestinationOwnership.State.WAITING
                        || destination.ownership.state() == DestinationOwnership.State.LOADING;
                World asked = destination(destination.with(
                        rules.destination(destination.ownership, DestinationOwnership.Event.ASKED),
                        destination.spoke && !waited));
                if (asked.destination.ownership.settled()) {
                    Question answer = asked.destination.ownership.state() == DestinationOwnership.State.RUNS
                            ? Question.RUNS
                            : Question.RENOUNCED;
                    steps.add(new Step("destination answers " + answer, null, asked.question(index, answer)));
                } else if (!asked.equals(this)) {
                    steps.add(new Step("destination is asked", null, asked));
                }
            }
        }
    }

    private World destinationAfter(Rules rules, DestinationOwnership.Event event, boolean spoke) {
        return destination(destination.with(rules.destination(destination.ownership, event), spoke));
    }

    private World destination(Destination value) {
        return new World(source, value, there, back, questions);
    }

    private World destinationDead() {
        return new World(
                source,
                new Destination(false, destination.ownership, true, false, false, destination.ran, destination.report),
                there,
                back.closed(),
                questions);
    }

    // The network

    private void networkFaults(List<Step> steps) {
        cuts(there, steps, "to the destination", path -> new World(source, destination, path, back, questions));
        cuts(back, steps, "to the source", path -> new World(source, destination, there, path, questions));
        for (int i = 0; i < questions.size(); i++) {
            if (questions.get(i) != Question.LOST) {
                steps.add(
                        new Step("question %d is lost".formatted(i), Fault.QUESTION_LOST, question(i, Question.LOST)));
            }
        }
    }

    private interface Rerouted {
        World on(Path path);
    }

    private static void cuts(Path path, List<Step> steps, String where, Rerouted world) {
        for (int kept = 0; kept <= path.inFlight.size(); kept++) {
            if (!path.cut || kept < path.inFlight.size()) {
                steps.add(new Step(
                        "cut %s behind %d of %s".formatted(where, kept, path.inFlight),
                        Fault.CUT,
                        world.on(path.cutBehind(kept))));
            }
        }
    }

    private World question(int index, Question value) {
        List<Question> changed = new ArrayList<>(questions);
        changed.set(index, value);
        return new World(source, destination, there, back, List.copyOf(changed));
    }
}
