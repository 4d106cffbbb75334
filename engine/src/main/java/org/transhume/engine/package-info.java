/** Migrations. */
package org.transhume.engine;
