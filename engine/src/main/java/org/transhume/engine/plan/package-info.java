/** What migrating a guest would come to, found out without migrating it (docs/forecast.md). */
package org.transhume.engine.plan;
