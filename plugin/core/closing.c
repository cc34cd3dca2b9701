/* The close, from the hops of a connection's log: both FINs and their ACKs, who was first, or the RST that cut it
 * short. Look next: exchange_walk.h, which says what a hop is.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "exchange_walk.h"

#include <string.h>

static bool fin_known(const struct closing_walk *walk, unsigned end)
{
    return walk->order[0] == (int)end || walk->order[1] == (int)end;
}

static const struct tcps_moment not_captured = {0, 0};

/* `sent` is not_captured when the FIN itself was not. */
static void fin_of(struct closing_walk *walk, unsigned end, struct tcps_moment sent)
{
    if (!fin_known(walk, end)) walk->order[walk->order[0] < 0 ? 0 : 1] = (int)end;
    if (!tcps_was_seen(&walk->fin[end])) walk->fin[end] = sent;
}

static bool both_acked(const struct closing_walk *walk)
{
    return walk->order[1] >= 0 && walk->acked[0] && walk->acked[1];
}

/* `acked` is not_captured when the acknowledgement itself was not. */
static void fin_acked(struct closing_walk *walk, unsigned end, struct tcps_moment acked)
{
    if (walk->acked[end]) return;
    walk->acked[end] = true;
    walk->ack[end] = acked;
}

/* Was the end's segment put aside until another shows whether it was real? */
static bool is_doubted(enum tcps_reason why)
{
    return why == TCPS_WHY_ACKS_UNSENT || why == TCPS_WHY_OUTSIDE_WINDOW || why == TCPS_WHY_NO_ACK_FLAG ||
           why == TCPS_WHY_OLD_TIMESTAMP;
}

static void closing_rst(struct closing_walk *walk, const struct hop *hop)
{
    if (rst_taken_back(hop->why)) {
        walk->rst = not_captured;
        walk->rst_by = -1;
        walk->rst_late = false;
    } else if (closed_by_rst(hop) && walk->opened && !tcps_was_seen(&walk->rst)) {
        walk->rst = moment_of(hop->entry);
        walk->rst_by = rst_sender(hop);
        walk->rst_late = both_acked(walk);
    }
}

/* What the state says that `end` entered: a FIN that was not captured is known from what followed from it. */
static void closing_state(struct closing_walk *walk, const struct hop *hop)
{
    bool implied = hop->why == TCPS_WHY_IMPLIED || hop->why == TCPS_WHY_FIN_UNSEEN;
    struct tcps_moment acked = implied ? not_captured : moment_of(hop->entry);
    unsigned end = hop->end;

    switch (hop->to) {
    case TCPS_FIN_WAIT_1:
    case TCPS_LAST_ACK: fin_of(walk, end, not_captured); break;
    case TCPS_CLOSE_WAIT: fin_of(walk, !end, not_captured); break;
    case TCPS_FIN_WAIT_2:
        fin_of(walk, end, not_captured);
        fin_acked(walk, end, acked);
        break;
    case TCPS_TIME_WAIT:
        fin_of(walk, end, not_captured);
        fin_of(walk, !end, not_captured);
        fin_acked(walk, end, acked);
        break;
    case TCPS_CLOSED:
        if (hop->from == TCPS_LAST_ACK) fin_acked(walk, end, acked);
        break;
    default: break;
    }
}

/* The end is back in a state without FIN: what looked like one was none. */
static void forget_fin(struct closing_walk *walk, unsigned end)
{
    if (walk->order[0] == (int)end) walk->order[0] = walk->order[1];
    if (walk->order[0] == (int)end) walk->order[0] = -1;
    walk->order[1] = -1;
    walk->fin[end] = walk->ack[end] = not_captured;
    walk->acked[end] = walk->passive[end] = walk->passive[!end] = walk->crossed = false;
}

static void closing_fin(struct closing_walk *walk, const struct hop *hop)
{
    unsigned end = hop->end;

    if (hop->why == TCPS_WHY_FIN_SENT) {
        walk->crossed = walk->crossed || (hop->to == TCPS_FIN_WAIT_1 && fin_known(walk, !end));
        fin_of(walk, end, moment_of(hop->entry));
    } else if (hop->why == TCPS_WHY_FIN_BELIEVED) {
        fin_of(walk, end, walk->doubted[end]);
    } else if (hop->why == TCPS_WHY_FIN_AGAIN) {
        walk->acked[end] = false;
        walk->ack[end] = not_captured;
    } else if (fin_known(walk, end) && (hop->to == TCPS_ESTABLISHED || hop->to == TCPS_CLOSE_WAIT) &&
               tcps_reason_kind(hop->why) == TCPS_CORRECTION) {
        forget_fin(walk, end);
    }
    if (is_doubted(hop->why)) walk->doubted[end] = moment_of(hop->entry);
}

void tcps_closing_hop(struct closing_walk *walk, const struct hop *hop)
{
    unsigned end = hop->end;

    closing_fin(walk, hop);
    if (hop->from != hop->to && tcps_reason_kind(hop->why) == TCPS_TRANSITION && !closed_by_rst(hop))
        closing_state(walk, hop);
    if (hop->to == TCPS_LAST_ACK) walk->passive[end] = true;
    if (hop->to == TCPS_CLOSING) walk->crossed = true;
    closing_rst(walk, hop);
    if (is_open_state(tcps_entry_state(hop->entry, 0)) && is_open_state(tcps_entry_state(hop->entry, 1)))
        walk->opened = true;
}

static enum tcps_close_kind closing_kind(const struct closing_walk *walk, const struct tcps_closing *out)
{
    if (tcps_was_seen(&walk->rst)) {
        if (walk->rst_late) return TCPS_CLOSE_reset_after_close;
        return walk->order[0] >= 0 ? TCPS_CLOSE_fin_then_reset : TCPS_CLOSE_reset;
    }
    if (walk->order[0] < 0) return TCPS_CLOSE_none;
    if (walk->order[1] < 0) return walk->acked[walk->order[0]] ? TCPS_CLOSE_half_closed : TCPS_CLOSE_closing;
    if (!out->complete) return TCPS_CLOSE_closing;
    if (out->initiator == 2) return TCPS_CLOSE_simultaneous;
    return tcps_is_same_moment(&out->ack[0], &out->fin[1]) ? TCPS_CLOSE_three_segment : TCPS_CLOSE_four_segment;
}

static int closing_initiator(const struct closing_walk *walk)
{
    if (walk->order[0] < 0) return tcps_was_seen(&walk->rst) ? walk->rst_by : -1;
    if (walk->passive[0]) return 1;
    if (walk->passive[1]) return 0;
    return walk->crossed ? 2 : walk->order[0];
}

void tcps_closing_begin(struct closing_walk *walk)
{
    *walk = (struct closing_walk){.order = {-1, -1}, .rst_by = -1};
}

void tcps_closing_end(const struct closing_walk *walk, struct tcps_closing *closing)
{
    memset(closing, 0, sizeof *closing);
    for (unsigned i = 0; i < 2; i++) {
        int end = walk->order[i];

        if (end < 0) continue;
        closing->fin[i] = walk->fin[end];
        closing->ack[i] = walk->ack[end];
    }
    closing->rst = walk->rst;
    closing->complete = both_acked(walk);
    closing->initiator = closing_initiator(walk);
    closing->kind = closing_kind(walk, closing);
}
