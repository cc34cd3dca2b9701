/* Half-open connections of each server, over time: what makes a SYN flood show and a scan not.
 * Shared by the reports `servers` and `failed`. Look next: half_open.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPSTATE_HALF_OPEN_H
#define TCPSTATE_HALF_OPEN_H

#include "kinds.h"

/* One server address and port. */
struct tcpstate_server {
    const address *address;
    uint16_t port;
    uint64_t attempts; /* openings seen, complete or not */
    uint64_t by_status[TCPS_STATUS_COUNT];
    uint64_t synack_retransmits;
    uint64_t sources;        /* different client addresses with a failed attempt */
    uint64_t half_open_peak; /* in SYN_RECEIVED at one time */
    int64_t peak_time;       /* of the capture, from its start */
    uint64_t pending_peak;   /* openings begun and not over at one time: half-open or not yet answered */
    int64_t pending_time;
    int64_t p50, p95; /* of completed handshakes */
    uint64_t closed_by_client, closed_by_server, closed_by_both, reset;

    GArray *times;               /* of completed handshakes */
    GArray *half_open, *pending; /* private */
    GHashTable *clients;
};

/* The servers of all connections, in the order of their first packets. */
GPtrArray *tcpstate_servers_of(const struct tcpstate_gathering *gathering);

/* Notes each server that had more half-open connections at a time than the preference allows; or as many openings not
 * answered, from as many addresses: a server whose backlog is full answers no more. */
void tcpstate_note_floods(const GPtrArray *servers, struct tcpstate_document *document);

/* Attempts that were neither completed nor unseen. */
uint64_t tcpstate_failures_of(const struct tcpstate_server *server);

#endif
