/* The two exchanges of a connection - the opening handshake and the close - read from its log.
 * Everything is "as of" a number of log entries, so that a packet shows the same in every pass: nothing of the future.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPS_EXCHANGE_H
#define TCPS_EXCHANGE_H

#include "conn.h"

/* clang-format off */
/* X(name) */
#define TCPS_OPEN_KINDS(X) X(none) X(three_way) X(simultaneous) X(split) X(fast_open) X(midstream)
#define TCPS_OPEN_STATUSES(X)                                                                                          \
    X(none) X(complete) X(unanswered) X(half_open) X(refused) X(reset) X(unreachable) X(rejected) X(unseen)
#define TCPS_CLOSE_KINDS(X)                                                                                            \
    X(none) X(four_segment) X(three_segment) X(simultaneous) X(half_closed) X(closing) X(reset) X(fin_then_reset)      \
    X(reset_after_close)
/* clang-format on */

enum tcps_open_kind {
#define X(name) TCPS_OPEN_##name,
    TCPS_OPEN_KINDS(X)
#undef X
};
enum tcps_open_status {
#define X(name) TCPS_STATUS_##name,
    TCPS_OPEN_STATUSES(X)
#undef X
        TCPS_STATUS_COUNT
};
enum tcps_close_kind {
#define X(name) TCPS_CLOSE_##name,
    TCPS_CLOSE_KINDS(X)
#undef X
        TCPS_CLOSE_COUNT
};

const char *tcps_open_kind_name(unsigned kind);     /* "three_way"; "" for none. Static. */
const char *tcps_open_status_name(unsigned status); /* "complete"; "" for none. Static. */
const char *tcps_close_kind_name(unsigned kind);    /* "four_segment"; "" for none. Static. */

/* A frame and its time; both 0: not seen. What a read filter rejected has its time, but shares the number of the frame
 * that passed before it, which is 0 at the beginning. */
struct tcps_moment {
    uint32_t frame;
    int64_t time;
};

static inline bool tcps_was_seen(const struct tcps_moment *moment)
{
    return moment->frame || moment->time;
}

static inline bool tcps_is_same_moment(const struct tcps_moment *one, const struct tcps_moment *other)
{
    return one->frame == other->frame && one->time == other->time;
}

struct tcps_opening {
    enum tcps_open_kind kind;
    enum tcps_open_status status;
    struct tcps_moment syn, synack, ack; /* first SYN, first SYN,ACK, the ACK that completed (simultaneous: the SYNs
                                            and the segment that completed) */
    uint32_t syn_retransmits, synack_retransmits;
};

struct tcps_closing {
    enum tcps_close_kind kind;
    bool complete;                     /* both FINs acknowledged */
    int initiator;                     /* end that closed first (FIN, or RST if none); 2: both; -1: none yet */
    struct tcps_moment fin[2], ack[2]; /* first FIN and its ACK, second FIN and its ACK, in the order of the FINs */
    struct tcps_moment rst;            /* the RST that closed */
};

/* Reads the first `entries` entries of the log (tcps_log_until(), or log.count for all). */
void tcps_opening_of(const struct tcps_conn *conn, uint32_t entries, struct tcps_opening *opening);
void tcps_closing_of(const struct tcps_conn *conn, uint32_t entries, struct tcps_closing *closing);

/* Both, in one walk. */
void tcps_exchanges_of(const struct tcps_conn *conn, uint32_t entries, struct tcps_opening *opening,
                       struct tcps_closing *closing);

/* Which end sent the RST that entry `entry` of the log tells of: 0 or 1; -1 if it tells of none. */
int tcps_reset_sender(const struct tcps_conn *conn, uint32_t entry);

/* Zeek's conn_state ("SF", "S0", ...) as if the capture ended at position `at`. Static. */
const char *tcps_conn_state(const struct tcps_conn *conn, struct tcps_position at);

/* Zeek's history letters (s h a d f r, upper case for the client), as of position `at`; always terminated. */
void tcps_history(const struct tcps_conn *conn, struct tcps_position at, char *text, size_t size);

#endif
