/**
 * What people and scripts meet: the command line, QMP, capabilities and parameters. Start at
 * {@link org.transhume.control.Transhume}.
 * <pre>
 *   command ─► guest ─► engine        one guest and its migrations
 *      │         └────► qmp ─► settings
 *      ├─► image, inspect             a guest at rest; a stream looked into
 *      ├─► soak                      random migrations, and what is asked after each
 *      └─► display                    progress and reports
 * </pre>
 */
package org.transhume.control;
