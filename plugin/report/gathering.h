/* What the tap gathers for every report: the connections that had a packet which passed the filter.
 * Nothing is kept per packet. Everything about a connection is read from its log when the report is written.
 * Look next: core/exchange.h, and the reports beside this file.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPSTATE_GATHERING_H
#define TCPSTATE_GATHERING_H

#include <glib.h>

#include <epan/packet_info.h>

#include "tap_payload.h"

struct tcpstate_connection {
    const struct tcps_conn *conn;
    address address[2]; /* by end */
    uint16_t port[2];
    /* Of the packets that passed. Not for reports that read logs only (kinds.h): */
    int64_t first_time, last_time;
    uint32_t first_frame, last_frame;
    uint32_t packets[2];
};

struct tcpstate_gathering {
    GPtrArray *connections; /* struct tcpstate_connection *, in the order of their first packets */
    int64_t start, end;     /* the capture's clock: its first and its last frame, TCP or not */
    bool started;           /* start and end are set; only for TCPSTATE_READS_PACKETS */

    /* private */
    GHashTable *by_conn;
    struct tcpstate_connection *last;
};

void tcpstate_gathering_init(struct tcpstate_gathering *gathering);
void tcpstate_gathering_clear(struct tcpstate_gathering *gathering);

/* Any frame, TCP or not: the capture's clock goes on, if the frame has a time. */
void tcpstate_gather_time(struct tcpstate_gathering *gathering, const packet_info *pinfo);

/* A TCP layer that passed the filter. */
void tcpstate_gather(struct tcpstate_gathering *gathering, const struct tcpstate_tap *tap);

/* ---- what every report asks of a connection ---- */

static inline const struct tcps_entry *tcpstate_last_entry(const struct tcpstate_connection *connection)
{
    return &connection->conn->log.entries[connection->conn->log.count - 1];
}

/* The end that is held to be the client, with all that is known. */
static inline unsigned tcpstate_client_end(const struct tcpstate_connection *connection)
{
    return connection->conn->client_end;
}

/* When the connection was over because another took its place on the same addresses and ports; INT64_MAX: none did. */
int64_t tcpstate_replaced_at(const struct tcpstate_connection *connection);

/* The state of an end at `time`, if it was `state` since `since`: TIME_WAIT ends after 2MSL, and every state ends when
 * another connection takes its place (rule 9). */
unsigned tcpstate_state_at(const struct tcpstate_connection *connection, unsigned state, int64_t since, int64_t time);

/* The entry at which `end` entered the state it has in entry `last`. */
const struct tcps_entry *tcpstate_entered(const struct tcps_conn *conn, uint32_t last, unsigned end);

#endif
