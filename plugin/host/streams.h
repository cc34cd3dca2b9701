/* All flows of the capture: one per two addresses and ports, IP version and tunnel depth.
 * A table of the plugin's own, since Wireshark's streams begin at every SYN with another number, real or not.
 * Knows addresses and memory, not states. Look next: core/flow.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPSTATE_STREAMS_H
#define TCPSTATE_STREAMS_H

#include "segment_source.h"

/* Empties the table: before the first frame of a file, and when it is closed. */
void tcpstate_streams_start(void);
void tcpstate_streams_stop(void);

/* Fills in the layer's flow, addresses and sender from the packet's addresses and the ports. Returns false if the flow
 * is unknown and not to be made. */
bool tcpstate_find_flow(struct tcpstate_layer *layer, const packet_info *pinfo, uint16_t source_port,
                        uint16_t destination_port, bool make);

/* First pass: feeds the layer's segment, or the ICMP error that quotes it, and fills in the connection. */
void tcpstate_feed(struct tcpstate_layer *layer);
void tcpstate_feed_quote(struct tcpstate_layer *layer);

/* The connection of the layer, in any pass; NULL if it has none. */
struct tcps_conn *tcpstate_conn_of(const struct tcpstate_layer *layer);

/* Asks Wireshark for the number of the connection's stream, until there is one. In any pass, after TCP's dissection. */
void tcpstate_find_stream_number(const struct tcpstate_layer *layer, struct tcps_conn *conn);

void tcpstate_streams_register(void);

#endif
