/* What the tap "tcpstate" carries: one packet's TCP layer, its connection, and what was told about it.
 * This is the only place where host/ (which fills it in) and report/ (which reads it) meet. Reports never feed the
 * core. Look next: core/conn.h and core/exchange.h, for what a connection can be asked.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPSTATE_TAP_PAYLOAD_H
#define TCPSTATE_TAP_PAYLOAD_H

#include <epan/address.h>

#include "core/conn.h"

/* The taps' names, for register_tap_listener(). Both carry the same payload: the first of each packet, the second only
 * of those that a listener needs to meet every connection that the first would tell of. */
#define TCPSTATE_TAP "tcpstate"
#define TCPSTATE_CONNECTIONS_TAP "tcpstate_connections"

/* Queued once per TCP layer, in every pass that has taps: a report counts from its reset callback on.
 * The payload itself and the addresses' data live until the end of the frame; `conn` until the file is
 * closed or dissected anew (before which the listener's reset callback is called).
 * In a second pass the connection knows its future: for "as of this packet" use tcps_log_until(&conn->log, segment.at).
 */
struct tcpstate_tap {
    struct tcps_segment segment; /* segment.from is the sender's end; of a quoted segment only seq and from are set */
    struct {
        uint32_t first_entry, entries; /* the log entries of this very packet */
        uint8_t client_end;            /* the end held to be the client at this packet */
    } view;                 /* of what the packet did; for the states, tcps_conn_view(conn, segment.at, ...) */
    struct tcps_conn *conn; /* conn->stream is tcp.stream, TCPSTATE_NO_STREAM if Wireshark gave none */
    address address[2];     /* of end 0 and 1; copy_address() them to keep them */
    bool quoted;            /* no segment of the connection: an ICMP error that quotes one */
};

#define TCPSTATE_NO_STREAM UINT32_MAX

/* The TCP stream of the packet that was dissected last for somebody to see its details: in a window, of the packet that
 * is selected. TCPSTATE_NO_STREAM before. Filled in by host/postdissector.c. */
uint32_t tcpstate_stream_looked_at(void);

/* The user's preferences, as both rooms need them. */
enum tcpstate_report_format { TCPSTATE_TEXT, TCPSTATE_CSV, TCPSTATE_JSON };

struct tcpstate_preferences {
    unsigned two_msl;         /* seconds after which TIME_WAIT is over, where a report looks at the end (rule 9) */
    unsigned stuck_seconds;   /* waiting longer than this in a state of opening or closing is worth a word */
    unsigned slow_handshake;  /* milliseconds from SYN to the completing ACK above which an opening is slow */
    unsigned half_open_limit; /* half-open connections of one server at a time above which it looks like a SYN flood */
    bool info_column;         /* append transitions to the Info column */
    bool ascii;               /* reports use "->" instead of arrows and lines */
    enum tcpstate_report_format report_format;
};

/* The preferences as they are now: ask again for each report. Filled in by host/preferences.c. */
const struct tcpstate_preferences *tcpstate_preferences(void);

#endif
