/* The reports under Statistics > TCP State, and in windows what -z asks for. Entries do nothing in programs without
 * windows. Look next: menu.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPSTATE_MENU_H
#define TCPSTATE_MENU_H

/* Registers an entry for each report and table. Called once, from the plugin's registration, after the tables. */
void tcpstate_register_menu(void);

#endif
