package org.transhume.control.domain;

/** Which end of a migration a job is. */
public enum JobRole {
    SOURCE,
    DESTINATION
}
