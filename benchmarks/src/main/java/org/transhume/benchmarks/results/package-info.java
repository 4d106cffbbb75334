/** Where measurements go that somebody wants to keep: figures as JSON, curves as a picture. */
package org.transhume.benchmarks.results;
