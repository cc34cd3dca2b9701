/* The reports' tables as Wireshark's own: to sort, copy and save; tshark -z tcpstate,table-<name> prints them.
 * Look next: report/kinds.h for the reports, menu.c for where the windows are opened.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPSTATE_TABLES_H
#define TCPSTATE_TABLES_H

#include "report/kinds.h"

/* Tells the program to say when a pass over the packets is over. Called once, from plugin_register(). */
void tcpstate_register_table_passes(void);

/* Registers every table of every report. Called once, from the plugin's registration, after the preferences. */
void tcpstate_register_tables(void);

/* The tables of a report: `command` is what -z takes, `label` what a menu says. Calls `use` for each, in the report's
 * order; both texts stay. */
typedef void tcpstate_use_table(void *context, const char *command, const char *label);
void tcpstate_tables_of(const struct tcpstate_report_kind *kind, tcpstate_use_table *use, void *context);

#endif
