package org.transhume.engine.handover;

/**
 * What the destination knows about who may run the guest. Immutable: every event leads to another of these. It runs the guest
 * after {@link State#GRANTED} only, and having renounced it never does.
 */
public record DestinationOwnership(Agreement agreement, State state) {
    public enum State {
        /** Theirs; not all of it is here. */
        LOADING,
        /** All of it is here. The source was told, and may still decide either way. */
        WAITING,
        /** Ours: it is being started. */
        GRANTED,
        /** Ours, and it is started. */
        RUNS,
        /** Theirs for ever. */
        RENOUNCED
    }

    public enum Event {
        /** All came, was loaded, and held whatever it was compared with. */
        LOADED,
        /** The word of the source is here, complete. */
        GRANT,
        STARTED,
        /** It could not be loaded, did not hold, could not be started, or the caller gave it up. */
        FAILED,
        /** The connection was lost, or it was silent beyond all patience. */
        LOST,
        /** The source lost the connection, and asks on another one. */
        ASKED
    }

    public DestinationOwnership(Agreement agreement) {
        this(agreement, State.LOADING);
    }

    /** @throws IllegalStateException if {@code event} cannot happen now: whoever reports it is wrong */
    public DestinationOwnership after(Event event) {
        return new DestinationOwnership(
                agreement,
                switch (event) {
                    case LOADED ->
                        switch (state) {
                            case LOADING -> agreement == Agreement.GRANTED ? State.WAITING : State.GRANTED;
                            case RENOUNCED -> state;
                            default -> throw impossible(event);
                        };
                    case GRANT ->
                        switch (state) {
                            case WAITING -> State.GRANTED;
                            case RENOUNCED -> state; // too late
                            default -> throw impossible(event);
                        };
                    case STARTED -> {
                        if (state != State.GRANTED) {
                            throw impossible(event);
                        }
                        yield State.RUNS;
                    }
                    case FAILED -> state == State.RUNS ? state : State.RENOUNCED;
                    // The source may take whatever is not granted yet as lost, too, so it must not come to life any
                    // more.
                    case LOST, ASKED ->
                        switch (state) {
                            case LOADING, WAITING, RENOUNCED -> State.RENOUNCED;
                            case GRANTED, RUNS -> state;
                        };
                });
    }

    private IllegalStateException impossible(Event event) {
        return new IllegalStateException("%s while %s (%s)".formatted(event, state, agreement));
    }

    /** Whether the guest is ours, and is to be started if it was not. */
    public boolean ours() {
        return state == State.GRANTED || state == State.RUNS;
    }

    /** Whether it is known what a source that asks has to be told: that the guest runs here, or never will. */
    public boolean settled() {
        return state == State.RUNS || state == State.RENOUNCED;
    }
}
