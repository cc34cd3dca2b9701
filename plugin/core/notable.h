/* What is worth a word though no state changes by it, and so does not stand in the log: data after the peer's FIN,
 * keep-alives without answer, what a RST destroys.
 * Looked for once, in the first pass, when the facts are those of that packet; the host keeps what was found. Most
 * connections have nothing notable, and none of this. Look next: conn.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPS_NOTABLE_H
#define TCPS_NOTABLE_H

#include "conn.h"
#include "seq.h"

/* X(name, what it means) */
#define TCPS_NOTABLES(X)                                                                                               \
    X(HALF_CLOSED, "it sends new data although its peer's FIN is acknowledged")                                        \
    X(ONE_SIDED, "it acknowledges data of a peer of which nothing was captured")                                       \
    X(KEEPALIVE_DEAD, "its keep-alives, TCPS_DEAD_PROBES in a row, got no answer")                                     \
    X(DATA_LOST, "the RST that closes destroys data that no ACK covers")                                               \
    X(TFO_IGNORED, "its SYN,ACK does not take the data of a Fast Open SYN")                                            \
    X(FIN_AHEAD, "its FIN was captured ahead of data that is missing")                                                 \
    X(DATA_AFTER_RST, "it sends data after its own RST")

enum tcps_notable {
#define X(name, meaning) TCPS_NOTABLE_##name,
    TCPS_NOTABLES(X)
#undef X
        TCPS_NOTABLE_COUNT
};

/* As many keep-alives in a row without an answer say that the peer is gone, or the path to it. */
enum { TCPS_DEAD_PROBES = 3 };

/* The notable things of one connection; zeroed when there is none yet. */
struct tcps_notables {
    struct tcps_position at[TCPS_NOTABLE_COUNT]; /* where each was found first; frame 0: not yet */
    uint32_t lost[2];                            /* by the RST: octets that each end had sent, not acknowledged */
    int64_t probed;                              /* when the last keep-alive was sent */
    uint8_t probes[2];                           /* keep-alives of each end since its peer's last segment */
    bool fast_open_data[2];                      /* the end's SYN asked for Fast Open and had data */
};

/* Octets of payload that `end` has sent and that no ACK covers. */
uint32_t tcps_unacked(const struct tcps_conn *conn, unsigned end);

/* Can the segment, just fed, be notable on a connection of which nothing is known so far? Fast, and wrong only by
 * saying yes. */
static inline bool tcps_may_be_notable(const struct tcps_conn *conn, const struct tcps_segment *seg)
{
    const struct tcps_endpoint *me = &conn->end[seg->from & 1], *peer = &conn->end[!(seg->from & 1)];

    if (seg->seq + 1 == me->snd_nxt && !(seg->flags & (TCPS_SYN | TCPS_FIN))) return true; /* a keep-alive? */
    if (conn->quiet) return false;
    return (seg->flags & TCPS_RST) || (me->known & TCPS_HAS_HOLE) ||
           (peer->known & (TCPS_SEEN | TCPS_HAS_NUMBERS)) == TCPS_HAS_NUMBERS ||
           (seg->len && (me->state == TCPS_CLOSE_WAIT || me->state == TCPS_CLOSED || seg->fast_open));
}

/* Looks at a segment that was just fed. Returns whether `notables` changed. */
bool tcps_notables_look(struct tcps_notables *notables, const struct tcps_conn *conn, const struct tcps_segment *seg);

/* Was `what` found at this very position? */
static inline bool tcps_is_notable(const struct tcps_notables *notables, enum tcps_notable what,
                                   struct tcps_position at)
{
    return notables->at[what].frame == at.frame && notables->at[what].layer == at.layer;
}

#endif
