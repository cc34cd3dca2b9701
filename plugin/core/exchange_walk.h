/* Walking a connection's log, hop by hop: what opening, closing and Zeek's summary share. Private to the core.
 * A hop is what one entry of the log says of one end. Look next: opening.c, closing.c, zeek.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPS_EXCHANGE_WALK_H
#define TCPS_EXCHANGE_WALK_H

#include "exchange.h"

/* What one entry says of one end. */
struct hop {
    const struct tcps_entry *entry;
    unsigned end;
    unsigned from, to; /* states; the same for a verdict */
    enum tcps_reason why;
};

struct walk {
    const struct tcps_conn *conn;
    uint32_t entries, next;
    unsigned next_end;
};

static inline struct walk walk_of(const struct tcps_conn *conn, uint32_t entries)
{
    struct walk walk = {.conn = conn, .entries = entries < conn->log.count ? entries : conn->log.count};

    return walk;
}

static inline struct tcps_moment moment_of(const struct tcps_entry *entry)
{
    struct tcps_moment moment = {entry->frame, entry->time};

    return moment;
}

/* The next thing said of either end; false at the end of the log. */
static inline bool next_hop(struct walk *walk, struct hop *hop)
{
    while (walk->next < walk->entries) {
        const struct tcps_entry *entry = &walk->conn->log.entries[walk->next];
        unsigned end = walk->next_end;

        hop->entry = entry;
        hop->end = end;
        hop->from = tcps_state_before(walk->conn, walk->next, end);
        hop->to = tcps_entry_state(entry, end);
        hop->why = tcps_entry_why(entry, end);
        walk->next_end = !end;
        if (end == 1) walk->next++;
        if (hop->why != TCPS_WHY_NONE) return true;
    }
    return false;
}

/* When the SYN that the hop tells of was captured. One that had to be proven waited with the connection before. */
static inline struct tcps_moment syn_moment(const struct tcps_conn *conn, const struct hop *hop)
{
    const struct tcps_conn *older = tcps_older(conn);
    const struct tcps_waiting_syn *waited = older && older->rarities ? older->rarities->waiting : NULL;

    if (hop->why == TCPS_WHY_SYN_PROVEN && waited && waited->syn.from == hop->end) {
        struct tcps_moment moment = {waited->syn.at.frame, waited->syn.time};

        return moment;
    }
    return moment_of(hop->entry);
}

/* Which end sent the RST that the hop tells of: 0 or 1; -1 if it tells of none. */
static inline int rst_sender(const struct hop *hop)
{
    switch (hop->why) {
    case TCPS_WHY_RST_SENT:
    case TCPS_WHY_RST_OF_FIN_TAKER:
    case TCPS_WHY_NOT_LISTENING:
    case TCPS_WHY_RST_KEEPS_SENDER: return (int)hop->end;
    case TCPS_WHY_RST_TAKEN:
    case TCPS_WHY_REFUSED:
    case TCPS_WHY_BACK_TO_LISTEN:
    case TCPS_WHY_RST_IN_WINDOW:
    case TCPS_WHY_RST_OUTSIDE:
    case TCPS_WHY_RST_NOT_FOR_SYN:
    case TCPS_WHY_RST_REPEATED: return (int)!hop->end;
    default: return -1;
    }
}

/* Did a RST close an end in this hop? */
static inline bool closed_by_rst(const struct hop *hop)
{
    return rst_sender(hop) >= 0 && hop->why != TCPS_WHY_RST_OF_FIN_TAKER &&
           tcps_reason_kind(hop->why) == TCPS_TRANSITION;
}

static inline bool rst_taken_back(enum tcps_reason why)
{
    return why == TCPS_WHY_SYN_AFTER_RST || why == TCPS_WHY_ALIVE_AFTER_RST || why == TCPS_WHY_SENT_BEFORE_RST;
}

static inline bool is_open_state(unsigned state)
{
    switch (state) {
    case TCPS_ESTABLISHED:
    case TCPS_FIN_WAIT_1:
    case TCPS_FIN_WAIT_2:
    case TCPS_CLOSE_WAIT:
    case TCPS_CLOSING:
    case TCPS_LAST_ACK:
    case TCPS_TIME_WAIT: return true;
    default: return false;
    }
}

/* ---- the opening, as far as it was walked ---- */

struct opening_walk {
    const struct tcps_conn *conn;
    struct tcps_opening *out;
    int first_syn;                 /* the end that sent the first SYN, -1: not captured */
    bool crossed;                  /* both ends sent a SYN of their own */
    bool answered[2];              /* the end sent a SYN,ACK */
    struct tcps_moment counted[2]; /* the end's last retransmission: two reasons may tell of one segment */
};

void tcps_opening_begin(struct opening_walk *walk, const struct tcps_conn *conn, struct tcps_opening *opening);
void tcps_opening_hop(struct opening_walk *walk, const struct hop *hop);

/* ---- the close, as far as it was walked ---- */

struct closing_walk {
    int order[2];                      /* the ends in the order of their FINs; -1: none */
    struct tcps_moment fin[2], ack[2]; /* by end */
    struct tcps_moment doubted[2];     /* the end's last segment that was put aside: it may have been its FIN */
    bool acked[2], passive[2], crossed;
    int rst_by;
    bool opened; /* there was a connection to close */
    struct tcps_moment rst;
    bool rst_late; /* the RST came after both FINs were acknowledged */
};

void tcps_closing_begin(struct closing_walk *walk);
void tcps_closing_hop(struct closing_walk *walk, const struct hop *hop);
void tcps_closing_end(const struct closing_walk *walk, struct tcps_closing *closing);

#endif
