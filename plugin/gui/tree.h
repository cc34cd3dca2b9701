/* The tally of transitions, corrections and verdicts: Statistics > TCP State Transitions, and
 * tshark -z tcp_state,tree[,FILTER]. Wireshark's stats tree adds rates and bursts. Look next: core/reason.h for the
 * names.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPSTATE_TREE_H
#define TCPSTATE_TREE_H

/* Called once, from the plugin's registration. */
void tcpstate_register_tree(void);

#endif
