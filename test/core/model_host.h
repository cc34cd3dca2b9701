/* A small TCP endpoint after RFC 9293 3.10, written for the tests: opens, sends, acknowledges, retransmits, closes,
 * aborts. It keeps its own path of states, with what each step was caused by. It shares nothing with the core but the
 * words (state names, flag bits, the segment); in particular it never infers, it knows.
 * Look next: model.c, which lets two of these talk past an observer.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPS_TEST_MODEL_HOST_H
#define TCPS_TEST_MODEL_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "core/segment.h"
#include "core/state.h"

/* Why a host changed its state: what an observer would have to see to know of it. */
enum host_cause {
    HOST_SENT,     /* it sent a segment with `flags` */
    HOST_GOT,      /* it received something and acknowledges it by `number` or more */
    HOST_ACKED,    /* it received an acknowledgement of `number` or more */
    HOST_GOT_RST,  /* it received the RST that is packet `number` */
    HOST_SENT_RST, /* it aborted */
    HOST_SILENT,   /* a timer, or its process: nothing on the wire */
};

struct host_step {
    enum tcps_state state;
    enum host_cause cause;
    uint16_t flags;
    uint32_t number;
    int64_t time;
    bool past_fin; /* HOST_ACKED: the segment stood past its sender's own FIN */
};

enum { HOST_STEPS = 24, HOST_OCTETS = 1 << 15, HOST_OUTBOX = 32 };

struct host {
    uint8_t side;
    enum tcps_state state, initial;
    bool listened;       /* it came from LISTEN */
    bool resends_synack; /* answers a repeated SYN by its SYN,ACK (Linux) instead of by an ACK (RFC 9293) */
    uint32_t iss, snd_una, snd_nxt;
    uint32_t irs, rcv_nxt;
    uint32_t queued; /* octets that the application has written so far */
    bool close_called, fin_sent;
    uint32_t fin; /* number of its FIN */
    bool peer_fin_seen;
    uint32_t peer_fin;
    uint8_t got[HOST_OCTETS]; /* octets received, by distance from IRS + 1 */
    bool stamps;              /* the Timestamps option was negotiated (RFC 7323) */
    bool stamp_known;
    uint32_t ts_recent, last_ack_sent;
    int64_t resend_at, resend_after, ack_at; /* timers; 0: not running */
    unsigned resends;
    int64_t ack_delay;
    struct host_step path[HOST_STEPS];
    unsigned steps;
    struct tcps_segment outbox[HOST_OUTBOX]; /* sent and not yet taken by the network */
    unsigned out;
};

void host_open(struct host *host, uint8_t side, uint32_t iss, bool active, int64_t now);
void host_refuse(struct host *host, uint8_t side); /* no socket: every segment is answered by RST */
void host_write(struct host *host, uint32_t octets, int64_t now);
void host_close(struct host *host, int64_t now);
void host_abort(struct host *host, int64_t now);

/* A segment arrives; `packet` is its number, for HOST_GOT_RST. */
void host_receive(struct host *host, const struct tcps_segment *seg, uint32_t packet, int64_t now);

/* When the next timer fires; INT64_MAX if none runs. And what happens then. */
int64_t host_next_timer(const struct host *host);
void host_timer(struct host *host, int64_t now);

#endif
