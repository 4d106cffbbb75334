package org.transhume.engine.handover;

/**
 * What the source knows about who may run the guest. Immutable: every event leads to another of these. From
 * {@link State#HANDED_OVER} on the guest runs at the source again only if the destination said that it never will.
 */
public record SourceOwnership(Agreement agreement, State state) {
    public enum State {
        /** Ours: whatever goes wrong, the guest goes on here. */
        HERE,
        /** Ours still. The destination has been sent all that it needs, but for the word. */
        OFFERED,
        /** Ours still. The destination has loaded everything and asks for the word. */
        READY,
        /** Ours, and the caller gave the migration up. */
        CANCELLED,
        /** What lets the destination start is on its way, or there. */
        HANDED_OVER,
        /** As before, and the connection is lost: the destination is asked on another one. */
        ASKING,
        /** Theirs, as far as that can be known without an answer. */
        UNCONFIRMED,
        /** Theirs: the destination said so. */
        THERE,
        /** Ours again: the destination said that it does not run the guest and will not. */
        BACK,
        /** Nobody knows: the guest stays paused. */
        UNKNOWN
    }

    public enum Event {
        CANCEL,
        /** All that the destination needs is about to be sent, but for the word. */
        OFFER,
        /** The destination has loaded everything. */
        READY,
        /** What lets the destination start is about to be sent. */
        HAND_OVER,
        /** It was sent. */
        SENT,
        /** The destination's last message says that it has the guest. */
        LOADED,
        /** The destination's last message says that it does not have the guest. */
        REFUSED,
        /** Any other end of the exchange: a connection lost, nonsense on it, silence beyond all patience. */
        LOST,
        /** In postcopy, the destination connected again and said what of the guest came to it. */
        RESUMED,
        /** Asked again, the destination says that it runs the guest. */
        RUNS,
        /** Asked again, the destination says that it does not run the guest and never will. */
        RENOUNCED,
        /** Asked again, the destination said nothing in all the time that there was. */
        SILENT
    }

    public SourceOwnership(Agreement agreement) {
        this(agreement, State.HERE);
    }

    /**
     * @throws IllegalStateException if {@code event} cannot happen now: whoever reports it is wrong, or has been told so by a
     *     peer that is
     */
    public SourceOwnership after(Event event) {
        return new SourceOwnership(
                agreement,
                switch (event) {
                    case CANCEL -> ours() ? State.CANCELLED : state;
                    case OFFER -> {
                        require(event, agreement == Agreement.GRANTED && state == State.HERE);
                        yield State.OFFERED;
                    }
                    case READY -> {
                        require(event, state == State.OFFERED);
                        yield State.READY;
                    }
                    case HAND_OVER -> {
                        require(event, state == (agreement == Agreement.GRANTED ? State.READY : State.HERE));
                        yield State.HANDED_OVER;
                    }
                    case SENT ->
                        agreement == Agreement.UNANSWERED && state == State.HANDED_OVER ? State.UNCONFIRMED : state;
                    case LOADED -> state == State.HANDED_OVER ? State.THERE : state;
                    case REFUSED -> state == State.HANDED_OVER ? State.BACK : state;
                    case LOST -> state == State.HANDED_OVER ? lost() : state;
                    case RESUMED -> {
                        require(event, !ours() && state != State.UNCONFIRMED);
                        yield State.THERE;
                    }
                    case RUNS -> {
                        require(event, state == State.ASKING);
                        yield State.THERE;
                    }
                    case RENOUNCED -> {
                        require(event, state == State.ASKING);
                        yield State.BACK;
                    }
                    case SILENT -> {
                        require(event, state == State.ASKING);
                        yield State.UNKNOWN;
                    }
                });
    }

    /** Only a destination that promised to remember can be asked again. */
    private State lost() {
        return agreement == Agreement.GRANTED ? State.ASKING : State.UNKNOWN;
    }

    private void require(Event event, boolean possible) {
        if (!possible) {
            throw new IllegalStateException("%s while %s (%s)".formatted(event, state, agreement));
        }
    }

    /** Whether the guest is the source's: if the migration ends now, it goes on here. */
    public boolean ours() {
        return switch (state) {
            case HERE, OFFERED, READY, CANCELLED, BACK -> true;
            case HANDED_OVER, ASKING, UNCONFIRMED, THERE, UNKNOWN -> false;
        };
    }

    /** Whether the guest left: if the migration ends now, it has succeeded. */
    public boolean theirs() {
        return state == State.UNCONFIRMED || state == State.THERE;
    }

    /** Whether the destination may run the guest without having said so: if the migration ends now, nobody may run it. */
    public boolean unknown() {
        return !ours() && !theirs();
    }
}
