/* What one captured TCP segment says, in host byte order.
 * The host fills it from the wire; the core never sees a packet, a file or a tree.
 * Look next: endpoint.h, for what a segment proves.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPS_SEGMENT_H
#define TCPS_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>

/* Control bits (RFC 9293 3.1). URG, ECE, CWR and AE may be set too; the inference does not look at them. */
enum {
    TCPS_FIN = 0x01,
    TCPS_SYN = 0x02,
    TCPS_RST = 0x04,
    TCPS_PSH = 0x08,
    TCPS_ACK = 0x10,
};

#define TCPS_SECOND INT64_C(1000000000) /* in nanoseconds, as all times and durations are */

/* A copy that carries neither IP identification nor time stamp can only be told by its haste: no stack retransmits
 * within this time (RFC 6298 asks for 1 s, Linux waits 200 ms, its tail loss probe some milliseconds). */
#define TCPS_COPY_WITHIN INT64_C(5000000)

#define TCPS_NO_WSCALE 0xff /* the segment carries no window scale option */

/* Where a segment stands in the capture: the frame, and which TCP layer of that frame (0 = first; A-MSDU and
 * tunnels have several). Positions are fed in rising order. */
struct tcps_position {
    uint32_t frame;
    uint8_t layer;
};

struct tcps_segment {
    int64_t time;            /* capture time in nanoseconds since 1970; 0 if the capture has none */
    struct tcps_position at; /* position in the capture */
    uint32_t seq, ack;       /* raw SEG.SEQ and SEG.ACK; ack means nothing without TCPS_ACK */
    uint32_t len;            /* octets of payload on the wire (not only those captured) */
    uint32_t tsval;          /* Timestamps option (RFC 7323), valid if has_ts */
    uint16_t wnd;            /* the window field as it stands, unscaled */
    uint16_t flags;          /* TCPS_FIN and so on */
    uint16_t ip_id;          /* IPv4 identification, 0 for IPv6 */
    uint16_t checksum;       /* the TCP checksum field: tells a copy from a retransmission */
    uint8_t from;            /* which end of the flow sent it: 0 or 1 */
    uint8_t wscale;          /* shift count of the window scale option, or TCPS_NO_WSCALE */
    bool has_ts;             /* the Timestamps option is there */
    bool fast_open;          /* the Fast Open option is there (RFC 7413) */
    bool malformed;          /* the host found the header broken (length, checksum validated and bad) */
};

/* The sequence space the segment takes: SEG.LEN of RFC 9293, in which SYN and FIN count one each. */
static inline uint32_t tcps_segment_space(const struct tcps_segment *seg)
{
    return seg->len + ((seg->flags & TCPS_SYN) ? 1 : 0) + ((seg->flags & TCPS_FIN) ? 1 : 0);
}

#endif
