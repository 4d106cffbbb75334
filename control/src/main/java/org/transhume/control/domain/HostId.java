package org.transhume.control.domain;

/** @param name of a host, or of one process on it, for people */
public record HostId(String name) {}
