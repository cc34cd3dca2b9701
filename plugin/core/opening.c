/* The opening handshake, from the hops of a connection's log: kind, how far it came, its three moments.
 * Look next: exchange_walk.h, which says what a hop is.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "exchange_walk.h"

#include <string.h>

void tcps_opening_begin(struct opening_walk *walk, const struct tcps_conn *conn, struct tcps_opening *opening)
{
    *walk = (struct opening_walk){.conn = conn, .out = opening, .first_syn = -1};
    memset(opening, 0, sizeof *opening);
}

/* What an attempt amounts to while it is not complete. */
static enum tcps_open_status waiting_status(const struct opening_walk *walk)
{
    return walk->answered[0] || walk->answered[1] ? TCPS_STATUS_half_open : TCPS_STATUS_unanswered;
}

static bool is_settled(const struct tcps_opening *opening)
{
    return opening->status == TCPS_STATUS_complete || opening->status == TCPS_STATUS_unseen;
}

static void syn_of(struct opening_walk *walk, const struct hop *hop)
{
    struct tcps_opening *out = walk->out;
    struct tcps_moment sent = syn_moment(walk->conn, hop);

    if (walk->first_syn < 0) {
        walk->first_syn = (int)hop->end;
        out->syn = sent;
        if (out->kind == TCPS_OPEN_none) out->kind = TCPS_OPEN_three_way;
    } else if (walk->first_syn != (int)hop->end && !walk->crossed) {
        walk->crossed = true;
        out->kind = TCPS_OPEN_simultaneous;
        out->synack = sent;
    }
    if (!is_settled(out)) out->status = waiting_status(walk);
}

static void synack_of(struct opening_walk *walk, const struct hop *hop)
{
    struct tcps_opening *out = walk->out;
    /* Fast Open is a fact of the SYN,ACK, so it holds wherever the SYN,ACK was seen. */
    bool fast_open = tcps_has(&walk->conn->end[hop->end], TCPS_FAST_OPEN);

    walk->answered[hop->end] = true;
    if (!tcps_was_seen(&out->synack)) out->synack = moment_of(hop->entry);
    if (!walk->crossed) out->kind = fast_open ? TCPS_OPEN_fast_open : TCPS_OPEN_three_way;
    out->status = TCPS_STATUS_half_open;
}

static void count_again(struct opening_walk *walk, const struct hop *hop, uint32_t *counter)
{
    struct tcps_moment moment = moment_of(hop->entry);

    if (tcps_is_same_moment(&walk->counted[hop->end], &moment)) return;
    walk->counted[hop->end] = moment;
    ++*counter;
}

/* An attempt that failed for a reason already known keeps it; a RST that is taken back revives it. */
static void failure_of(struct opening_walk *walk, const struct hop *hop)
{
    struct tcps_opening *out = walk->out;

    if (is_settled(out)) return;
    if (rst_taken_back(hop->why))
        out->status = waiting_status(walk);
    else if (hop->why == TCPS_WHY_REFUSED || hop->why == TCPS_WHY_NOT_LISTENING)
        out->status = TCPS_STATUS_refused;
    else if (hop->why == TCPS_WHY_ACK_FOR_SYN || hop->why == TCPS_WHY_SYNACK_WRONG_ACK)
        out->status = TCPS_STATUS_rejected;
    else if (hop->why == TCPS_WHY_UNREACHABLE)
        out->status = TCPS_STATUS_unreachable;
    else if (closed_by_rst(hop) && out->status != TCPS_STATUS_refused && out->status != TCPS_STATUS_rejected)
        out->status = TCPS_STATUS_reset;
}

void tcps_opening_hop(struct opening_walk *walk, const struct hop *hop)
{
    struct tcps_opening *out = walk->out;

    switch (hop->why) {
    case TCPS_WHY_MIDSTREAM:
        out->kind = TCPS_OPEN_midstream;
        out->status = TCPS_STATUS_unseen;
        break;
    case TCPS_WHY_SYN_SENT:
    case TCPS_WHY_SYN_PROVEN: syn_of(walk, hop); break;
    case TCPS_WHY_SYN_ANSWERED: synack_of(walk, hop); break;
    case TCPS_WHY_SYN_TAKEN: /* the second SYN's sender answers with an ACK, not with a SYN,ACK */
        if (walk->crossed && walk->first_syn != (int)hop->end && !walk->answered[hop->end]) out->kind = TCPS_OPEN_split;
        break;
    case TCPS_WHY_SYN_AFTER_RST:
    case TCPS_WHY_SYN_REPEATED: count_again(walk, hop, &out->syn_retransmits); break;
    case TCPS_WHY_SYNACK_AGAIN:
        out->status = TCPS_STATUS_half_open;
        out->ack = (struct tcps_moment){0, 0};
        out->ack.time = 0;
        /* fall through */
    case TCPS_WHY_SYNACK_REPEATED: count_again(walk, hop, &out->synack_retransmits); break;
    default: break;
    }
    failure_of(walk, hop);
    if (is_open_state(tcps_entry_state(hop->entry, 0)) && is_open_state(tcps_entry_state(hop->entry, 1)) &&
        !is_settled(out)) {
        out->status = TCPS_STATUS_complete;
        out->ack = moment_of(hop->entry);
    }
}
