package org.transhume.control.domain;

import java.util.UUID;

/** A domain's configuration. The text is its owner's: it is stored and sent as it is. */
public record DomainDefinition(String name, UUID uuid, String text) {}
