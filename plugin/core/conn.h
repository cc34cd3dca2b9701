/* One connection: two endpoints' facts, their states, and the log of what changed.
 * Feed it segments in capture order; ask it for any position in any order.
 * Knows one incarnation only; flow.h tells which segment belongs to which.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPS_CONN_H
#define TCPS_CONN_H

#include <stddef.h>

#include "endpoint.h"
#include "log.h"
#include "reason.h"
#include "segment.h"

/* How it was decided which end is the client (rule 8). X(name, meaning) */
#define TCPS_ROLE_BASES(X)                                                                                             \
    X(syn, "it sent the first SYN")                                                                                    \
    X(synack, "it received the first SYN,ACK")                                                                         \
    X(ports, "guessed: it has the higher port")                                                                        \
    X(first, "guessed: it sent the first segment captured")

enum tcps_role_basis {
#define X(name, meaning) TCPS_ROLE_##name,
    TCPS_ROLE_BASES(X)
#undef X
};

/* "syn", "synack", "ports", "first". Static. */
const char *tcps_role_basis_name(unsigned basis);

/* The SYN of a connection that may replace this one (rule 10). */
struct tcps_waiting_syn {
    struct tcps_segment syn;
    bool challenged; /* the old peer answered it with a bare ACK */
};

/* What few connections need: made when first needed. By end, as the facts. */
struct tcps_rarities {
    uint32_t doubt[2]; /* a number that waits for a second witness: far off, or beyond the FIN; or the second ISS */
    uint32_t hole_start[2], hole_end[2]; /* the octets from hole_start, and not all up to hole_end, were captured */
    /* By end: where another ISS took the place of the first one, and both. Sentences count from the one that held at
     * their packet, or a later pass would say other numbers than the first. Layer and frame are 0: there was none. */
    struct tcps_position rebased_at[2];
    uint32_t bases[2][2];
    uint32_t rst_seq;                 /* SEG.SEQ of the RST that closed it, for judging what comes after */
    uint32_t rst_mark[2];             /* by end: the fingerprint of its last RST that counted, or found all closed */
    uint32_t late_mark[2];            /* by end: the same of a SYN or FIN that its repetition overtook */
    uint32_t incarnation;             /* see tcps_incarnation() */
    struct tcps_conn *older, *newer;  /* the other incarnations on these addresses and ports, or NULL */
    struct tcps_conn *newest, *found; /* of all incarnations; with the first one only */
    struct tcps_waiting_syn *waiting; /* or NULL; made when first needed, reused */
};

struct tcps_conn {
    struct tcps_rarities *rarities; /* or NULL */
    struct tcps_log log;
    struct tcps_endpoint end[2];  /* by the flow's ends, not by role */
    uint32_t stream;              /* the host's number for the connection; the core does not look at it */
    uint16_t ports[2];            /* of the ends; the host sets those of a flow's first connection */
    unsigned client_end : 1;      /* which end is the client */
    unsigned role_basis : 2;      /* enum tcps_role_basis */
    unsigned guess_basis : 2;     /* what role_basis was before a ROLES_SWAPPED */
    unsigned candidate_waits : 1; /* rarities->waiting holds a SYN */
    unsigned full : 1;            /* the log ended with TCPS_WHY_LOG_FULL */
    unsigned quiet : 2;  /* bit 1 << end: open and undisturbed; a segment in order of that end changes no state */
    unsigned shifts : 8; /* while quiet: by end, four bits each, the scale of the windows that it advertises */
};

/* The connection's rarities, made if need be; NULL when there is no memory. */
struct tcps_rarities *tcps_rarities_of(struct tcps_conn *conn, const struct tcps_memory *memory);

/* 1, 2, ... on these addresses and ports. */
static inline uint32_t tcps_incarnation(const struct tcps_conn *conn)
{
    return conn->rarities && conn->rarities->incarnation ? conn->rarities->incarnation : 1;
}

/* The incarnation before and after `conn` on these addresses and ports; NULL: none. */
static inline const struct tcps_conn *tcps_older(const struct tcps_conn *conn)
{
    return conn->rarities ? conn->rarities->older : NULL;
}

static inline const struct tcps_conn *tcps_newer(const struct tcps_conn *conn)
{
    return conn->rarities ? conn->rarities->newer : NULL;
}

/* What to show for one position. */
struct tcps_view {
    uint8_t state[2], basis[2];         /* after the position, by end */
    uint8_t before[2], before_basis[2]; /* before the position */
    uint32_t since[2];                  /* frame in which the state was entered; 0 if never announced */
    int64_t since_time[2];              /* its time, nanoseconds since 1970 */
    uint32_t first_entry, entries;      /* the log entries of this very position */
    uint8_t client_end;
    uint8_t role_basis;
};

/* Feeds the next segment, already known to belong to this connection and this incarnation. Never fails: without memory
 * the states stay what they were. */
void tcps_conn_feed(struct tcps_conn *conn, const struct tcps_memory *memory, const struct tcps_segment *seg);

/* The short way for nearly all segments of nearly all connections: data and ACKs in order while nothing is open to
 * doubt. Returns false, with nothing done, when the segment deserves a closer look: feed it by tcps_conn_feed(). Gives
 * exactly the facts that tcps_conn_feed() would give. */
bool tcps_conn_feed_quiet(struct tcps_conn *conn, const struct tcps_segment *seg);

/* Starts a connection at its first segment, in memory that is zeroed but for `ports`, and feeds it. */
void tcps_conn_begin(struct tcps_conn *conn, const struct tcps_memory *memory, const struct tcps_segment *seg);

/* Starts a connection in which `syn` opens anew while its addressee still is in the connection `old` (TIME_WAIT, half
 * open). `proof` is the segment that shows the SYN to be real: the SYN itself, or a later one, which is fed. */
void tcps_conn_begin_over(struct tcps_conn *conn, const struct tcps_memory *memory, const struct tcps_conn *old,
                          const struct tcps_segment *syn, const struct tcps_segment *proof);

/* Logs a verdict about `end` at the position of `seg`; nothing else changes. */
void tcps_conn_note(struct tcps_conn *conn, const struct tcps_memory *memory, const struct tcps_segment *seg,
                    unsigned end, enum tcps_reason why);

/* The state of `end` before entry `index` of the log, which must have that entry. */
unsigned tcps_state_before(const struct tcps_conn *conn, uint32_t index, unsigned end);

/* Fills in `view` for position `at`. Any order, any time after the position was fed. Positions before the connection's
 * first show UNKNOWN. */
void tcps_conn_view(const struct tcps_conn *conn, struct tcps_position at, struct tcps_view *view);

#endif
