/** What a migration can say in advance: how fast pages go, how fast they get dirty again, when it will end and how long the pause will be. */
package org.transhume.engine.forecast;
