/**
 * The commands of {@code bin/transhume}, one a file. Each prints what a person wants to see, and the same as JSON with
 * {@code --json}; results go to stdout, everything else to stderr.
 */
package org.transhume.control.command;
