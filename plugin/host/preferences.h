/* The plugin's preferences page. What the preferences are is in report/tap_payload.h, since reports need them too.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPSTATE_PREFERENCES_H
#define TCPSTATE_PREFERENCES_H

void tcpstate_preferences_register(int proto);

#endif
