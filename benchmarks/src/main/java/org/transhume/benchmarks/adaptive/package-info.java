/** Every fixed form of pages, and the one that chooses by itself, over contents and links. */
package org.transhume.benchmarks.adaptive;
