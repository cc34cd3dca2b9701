/* The TCP headers of the frame under dissection, in every pass: takes the place of TCP in the table "ip.proto", reads
 * the header from the wire, and hands the packet on to TCP untouched. Knows headers and passes, not states. Look next:
 * streams.h, where a segment goes; postdissector.c, which shows it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPSTATE_SEGMENT_SOURCE_H
#define TCPSTATE_SEGMENT_SOURCE_H

#include <wireshark.h>

#include <epan/packet.h>

#include "core/flow.h"

/* One TCP header of the frame. */
struct tcpstate_layer {
    struct tcps_segment segment;
    struct tcps_flow *flow;
    struct tcps_conn *conn; /* in the first pass: the connection it was fed to; else NULL */
    uint32_t first_entry;   /* in the first pass: the log entries that it left there, and how many */
    uint32_t entries;
    address address[2]; /* of end 0 and 1; their data lives as long as the frame's dissection */
    bool quoted;        /* in an ICMP error; only seq and from are set */
};

/* Registers what segment_source needs. `proto` is the plugin's protocol: while it is disabled nothing is read. */
void tcpstate_source_register(int proto);

/* Takes the place of TCP in "ip.proto". Once, when all dissectors are registered. */
void tcpstate_source_hand_off(void);

/* To be called before the first frame of a file. */
void tcpstate_source_start(void);

/* The TCP layers of this frame in the order of dissection; how many is stored in `count`. Valid until the next frame.
 */
struct tcpstate_layer *tcpstate_source_layers(const packet_info *pinfo, unsigned *count);

/* The frame is done: forgets its layers. */
void tcpstate_source_done(void);

#endif
