/* Statistics > Flow Graph, flow type "TCP states"; tshark -z flow,tcpstate,standard. Look next: flow_graph.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPSTATE_FLOW_GRAPH_H
#define TCPSTATE_FLOW_GRAPH_H

/* Registers the flow type, where the program's structures are known. Called once, from the plugin's registration. */
void tcpstate_register_flow_graph(int proto);

#endif
