/* The facts of one endpoint, and the state computed from them.
 * Facts are what segments prove, or - for SND.UNA and a RST - what is presumed to have arrived. A fact is absent until
 * something proves it; absence is harmless. Knows RFC 9293 3.3.1, not segments in flight nor frames of a capture.
 * Look next: conn.c, which gathers the facts.
 *
 * The policy of evidence (docs/inference.md), in short:
 *   1. A segment proves what its sender sent (SEG.SEQ, SYN, FIN) and what it had received (SEG.ACK).
 *   2. An ACK is presumed to reach its addressee at once, and so is what its sender sent before it.
 *   3. A presumption is taken back when the addressee's own segment contradicts it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPS_ENDPOINT_H
#define TCPS_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "state.h"

/* Which facts are known. */
enum {
    TCPS_SEEN = 1 << 0,           /* a segment of this endpoint was captured */
    TCPS_HAS_ISS = 1 << 1,        /* iss is the number of its SYN (else: of the first octet known, less one) */
    TCPS_HAS_NUMBERS = 1 << 2,    /* iss, snd_una and snd_nxt are set */
    TCPS_HAS_RCV = 1 << 3,        /* rcv_nxt and rcv_edge are set */
    TCPS_SENT_SYNACK = 1 << 4,    /* its SYN was seen with an ACK: it was in SYN_RECEIVED */
    TCPS_SYNCHRONIZED = 1 << 5,   /* it sent what only a synchronized endpoint sends */
    TCPS_SYN_ACKED = 1 << 6,      /* an ACK of its SYN is presumed delivered */
    TCPS_HAS_FIN = 1 << 7,        /* it sent a FIN: fin and fin_ack are set */
    TCPS_FIN_DOUBTED = 1 << 8,    /* fin is the number of a FIN that its receiver may have dropped */
    TCPS_FIN_CROSSED = 1 << 9,    /* the peer's FIN is presumed received: it came before an ACK presumed received */
    TCPS_RST_GOT = 1 << 10,       /* a RST is presumed to have closed it */
    TCPS_RST_MADE = 1 << 11,      /* it sent a RST that closed it */
    TCPS_LISTENS = 1 << 12,       /* it was in LISTEN before its SYN */
    TCPS_HAS_WSCALE = 1 << 13,    /* wscale is what its SYN offered */
    TCPS_HAS_TS = 1 << 14,        /* ts_recent is set */
    TCPS_OLD_LIFE = 1 << 15,      /* the facts are those of the connection before; the new SYN has not reached it */
    TCPS_FAST_OPEN = 1 << 16,     /* its SYN,ACK acknowledged data of the SYN: it may send before the third ACK */
    TCPS_ALT_ISS = 1 << 17,       /* doubt is the number of a second SYN,ACK: the ACK will tell which one counts */
    TCPS_PRESUMED_OPEN = 1 << 18, /* mid-stream or one-sided: taken for open, though none of its segments shows it */
    TCPS_NXT_IS_BARE = 1 << 19, /* snd_nxt is of an empty segment: what stands below it, perhaps a FIN, is not known */
    TCPS_HAS_HOLE = 1 << 20,    /* octets it sent were not captured: hole_start and hole_end of the rarities are set */
    TCPS_FIN_GUESSED = 1 << 21, /* fin is where an uncaptured FIN may stand: the peer acknowledged one octet more */
    TCPS_FIN_UNSEEN = 1 << 22,  /* its FIN was not captured; the peer's close implies it */
    TCPS_HAS_DOUBT = 1 << 23,   /* doubt of the rarities is set, and no FIN came since */
    TCPS_ASKS_FAST_OPEN = 1 << 24, /* its SYN asked for Fast Open: the peer may send before the third ACK */
    TCPS_CHALLENGE_DUE = 1 << 25   /* it is expected to answer with a challenge ACK */
};

enum {
    TCPS_NO_SHIFT = 15,  /* wscale of an endpoint that offers no window scale */
    TCPS_MAX_SHIFT = 14, /* RFC 7323 2.3 */
    TCPS_MAX_COUNT = 3,  /* doubts and retractions count no further */
    TCPS_MAX_INDEX = 255 /* numbers_at counts no further */
};

/* Sequence numbers are raw. SND.xxx are the endpoint's own, RCV.xxx the peer's as the endpoint has acknowledged.
 * There are two in each connection of the capture, so every octet counts. */
struct tcps_endpoint {
    uint32_t known;     /* TCPS_SEEN and so on */
    uint32_t iss;       /* initial send sequence number */
    uint32_t snd_una;   /* oldest octet not acknowledged; the one fact that can shrink (rule 3) */
    uint32_t snd_nxt;   /* one past the highest sequence number seen, or proven by the peer's ACK if not captured */
    uint32_t rcv_nxt;   /* the highest ACK it sent */
    uint32_t rcv_edge;  /* one past the highest octet it ever allowed: ACK + scaled window */
    uint32_t fin;       /* number of its FIN */
    uint32_t fin_ack;   /* the ACK that the first captured copy of the FIN carried */
    uint32_t ts_recent; /* TS.Recent (RFC 7323 4.3): the peer's time stamp it is presumed to hold */
    uint32_t mark;      /* fingerprint of its last SYN or FIN: tells a copy from a retransmission */
    uint32_t first_data, first_ack; /* frames of its first data and first pure ACK; 0: none yet */
    unsigned wscale : 4;            /* the shift that its SYN offered, 0 to TCPS_MAX_SHIFT, or TCPS_NO_SHIFT */
    unsigned doubts : 2;            /* how many segments agreed on the number in doubt */
    unsigned retractions : 2;       /* how often its opening was taken back */
    unsigned numbers_at : 8;        /* how many log entries stood before the frame that made iss known */
    unsigned state : 8;             /* enum tcps_state, as last logged */
    unsigned basis : 8;             /* enum tcps_basis, as last logged */
};

static inline bool tcps_has(const struct tcps_endpoint *endpoint, uint32_t facts)
{
    return (endpoint->known & facts) == facts;
}

/* The scale of the windows that `me` advertises (RFC 7323 2.2), 0 to TCPS_MAX_SHIFT: it holds if both SYNs offer one.
 * If a SYN was not captured the largest is allowed for. */
static inline unsigned tcps_window_shift(const struct tcps_endpoint *me, const struct tcps_endpoint *peer)
{
    if (!(me->known & peer->known & TCPS_HAS_WSCALE)) return TCPS_MAX_SHIFT;
    return me->wscale == TCPS_NO_SHIFT || peer->wscale == TCPS_NO_SHIFT ? 0 : me->wscale;
}

/* Does the number stand behind the endpoint's SYN, and not beyond what it sent? */
bool tcps_is_past_syn(const struct tcps_endpoint *endpoint, uint32_t number);

/* Would a RST take `me` back to LISTEN (RFC 9293 3.10.7.4)? Not a Fast Open server: it has an application of its own
 * before the third ACK comes (RFC 7413 4.2). */
bool tcps_returns_to_listen(const struct tcps_endpoint *me);

/* Has the peer's FIN been received by `me`, as far as is proven or presumed? */
bool tcps_fin_received(const struct tcps_endpoint *me, const struct tcps_endpoint *peer);

/* Is the FIN that `me` sent acknowledged, as far as is presumed? */
bool tcps_fin_acked(const struct tcps_endpoint *me);

/* Had `me` received the peer's FIN when it sent its own, so that it is the passive closer? */
bool tcps_is_passive(const struct tcps_endpoint *me, const struct tcps_endpoint *peer);

/* Is `me` past the opening handshake? */
bool tcps_is_open(const struct tcps_endpoint *me);

/* The state of `me` that the facts of both imply. Pure and total: any set of facts has a state. */
enum tcps_state tcps_state_of(const struct tcps_endpoint *me, const struct tcps_endpoint *peer);

/* The state through which `me` came to `state` (RFC 9293 figure 5), so that passing states can be shown.
 * TCPS_UNKNOWN where a connection begins, and for a state that is reached from anywhere. */
enum tcps_state tcps_state_on_the_way(const struct tcps_endpoint *me, enum tcps_state state);

#endif
