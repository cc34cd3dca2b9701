/* The reports: tshark -q -z tcpstate,<report>[,argument][,filter], and the same under Statistics > TCP State.
 * Look next: kinds.h for the list of them, report.c for how one is run.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPSTATE_REPORT_H
#define TCPSTATE_REPORT_H

/* Registers every report with the program. Called once, from the plugin's registration. */
void tcpstate_register_reports(void);

#endif
