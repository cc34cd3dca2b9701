/* The reports under Statistics > TCP State. Does nothing in programs without windows.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPSTATE_MENU_H
#define TCPSTATE_MENU_H

/* Registers a menu entry for each report. Called once, from the registration of the reports. */
void tcpstate_register_menu(void);

#endif
