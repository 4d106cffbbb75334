package org.transhume.control.domain;

/** Where a domain is to go, and who speaks with that host. */
public sealed interface Destination {
    /** The caller, who has both hosts. */
    record Connected(Host host) implements Destination {}

    /** The source's host, at the address of the other's domain service. */
    record Peer(String uri) implements Destination {}

    /** Nobody: a bare endpoint that takes a stream. No host here does that. */
    record Direct(String uri) implements Destination {}

    static Destination connected(Host host) {
        return new Connected(host);
    }

    static Destination peer(String uri) {
        return new Peer(uri);
    }

    static Destination direct(String uri) {
        return new Direct(uri);
    }
}
