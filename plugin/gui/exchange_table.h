/* Handshakes and closes as a table to sort, copy and save: Statistics > TCP Handshakes and Closes.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPSTATE_EXCHANGE_TABLE_H
#define TCPSTATE_EXCHANGE_TABLE_H

/* Registers the table. Called once, from the plugin's registration. */
void tcpstate_register_exchange_table(void);

#endif
