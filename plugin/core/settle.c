/* From the facts of both endpoints to the hops that are logged: the states on the way, their basis and reason. See
 * step.h. Knows the states' order (endpoint.h), not how facts come about.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "step.h"

/* Entries behind this one were appended for the other end, and hold the state that this end had before. */
static TCPS_RARE void carry_on(struct tcps_log *log, uint32_t first, unsigned end, unsigned hop)
{
    for (uint32_t i = first; i < log->count; i++) tcps_entry_set(&log->entries[i], end, hop);
}

/* The hops of both ends share entries: the first of one with the first of the other, and so on. */
static void add_hop(struct tcps_step *step, unsigned end, enum tcps_state state, enum tcps_basis basis,
                    enum tcps_reason why)
{
    struct tcps_conn *conn = step->conn;
    struct tcps_log *log = &conn->log;
    uint32_t at = (uint32_t)step->first_entry + step->hops[end];

    if (conn->full) return;
    conn->end[end].state = (unsigned)state & 255u;
    conn->end[end].basis = (unsigned)basis & 255u;
    if (at == log->count && !tcps_append_entry(conn, step->memory, step->seg)) return;
    step->hops[end]++;
    tcps_entry_set(&log->entries[at], end, tcps_hop(state, basis, why));
    if (at + 1 < log->count) carry_on(log, at + 1, end, tcps_hop(state, basis, TCPS_WHY_NONE));
}

void tcps_verdict(struct tcps_step *step, unsigned end, enum tcps_reason why)
{
    const struct tcps_endpoint *endpoint = &step->conn->end[end];

    if (step->first_entry >= TCPS_LOG_VERDICTS) return;
    add_hop(step, end, endpoint->state, why == TCPS_WHY_PROVEN ? TCPS_BASIS_observed : endpoint->basis, why);
}

/* Is the state one that only the peer's FIN leads to, and was that FIN not captured? */
static bool rests_on_unseen_fin(const struct tcps_step *step, unsigned end, enum tcps_state state)
{
    if (!tcps_has(&step->conn->end[!end], TCPS_FIN_UNSEEN)) return false;
    return state == TCPS_CLOSE_WAIT || state == TCPS_CLOSING || state == TCPS_TIME_WAIT || state == TCPS_FIN_WAIT_2;
}

/* The reason that explains entering `state`, seen from an end that sent the segment or received it. */
static enum tcps_reason usual_reason(const struct tcps_step *step, unsigned end, enum tcps_state state)
{
    bool sends = end == step->my_end;
    bool acks = step->seg->flags & TCPS_ACK;

    if (rests_on_unseen_fin(step, end, state)) return TCPS_WHY_FIN_UNSEEN;
    if (step->implied && !sends) return TCPS_WHY_IMPLIED;
    switch (state) {
    case TCPS_SYN_SENT: return sends && (step->seg->flags & TCPS_SYN) ? TCPS_WHY_SYN_SENT : TCPS_WHY_SYN_IMPLIED;
    case TCPS_SYN_RECEIVED: return sends && (step->seg->flags & TCPS_SYN) ? TCPS_WHY_SYN_ANSWERED : TCPS_WHY_IMPLIED;
    case TCPS_ESTABLISHED:
        if (!sends) return TCPS_WHY_SYN_ACKED;
        if (step->seg->flags & TCPS_SYN) return TCPS_WHY_SYN_ACKED; /* simultaneous open: it was acknowledged before */
        return tcps_has(step->me, TCPS_SENT_SYNACK) || !acks ? TCPS_WHY_SYNCHRONIZED : TCPS_WHY_SYN_TAKEN;
    case TCPS_FIN_WAIT_1:
    case TCPS_LAST_ACK: return sends ? TCPS_WHY_FIN_SENT : TCPS_WHY_FIN_BELIEVED;
    case TCPS_FIN_WAIT_2: return TCPS_WHY_FIN_ACKED;
    case TCPS_CLOSE_WAIT: return TCPS_WHY_FIN_TAKEN;
    case TCPS_CLOSING: return sends ? TCPS_WHY_FIN_TAKEN : TCPS_WHY_FIN_CROSSED;
    case TCPS_TIME_WAIT: return sends ? TCPS_WHY_FIN_TAKEN : TCPS_WHY_FIN_ACKED;
    case TCPS_CLOSED: return TCPS_WHY_FIN_ACKED;
    default: return TCPS_WHY_IMPLIED;
    }
}

/* Mid-stream, of an end that has sent no octet since: its FIN may have come before the capture. */
static bool may_have_closed_before(const struct tcps_conn *conn, unsigned end)
{
    const struct tcps_endpoint *endpoint = &conn->end[end];

    return tcps_has(endpoint, TCPS_PRESUMED_OPEN) && !endpoint->first_data && !tcps_has(endpoint, TCPS_HAS_FIN) &&
           !((endpoint->known | conn->end[!end].known) & TCPS_HAS_ISS);
}

/* Then these would be TIME_WAIT, and LAST_ACK or CLOSED. */
static bool rests_on_first_fin(const struct tcps_conn *conn, unsigned end, enum tcps_state state)
{
    if (state == TCPS_CLOSE_WAIT) return may_have_closed_before(conn, end);
    return (state == TCPS_FIN_WAIT_1 || state == TCPS_FIN_WAIT_2) && may_have_closed_before(conn, !end);
}

static enum tcps_basis basis_of(const struct tcps_step *step, unsigned end, enum tcps_state state)
{
    if (rests_on_unseen_fin(step, end, state) || rests_on_first_fin(step->conn, end, state)) return TCPS_BASIS_assumed;
    if (end != step->my_end) return step->implied ? TCPS_BASIS_assumed : TCPS_BASIS_presumed;
    /* In a simultaneous open the sender of a SYN,ACK is open only because the peer's is presumed to arrive. */
    return state == TCPS_ESTABLISHED && (step->seg->flags & TCPS_SYN) ? TCPS_BASIS_presumed : TCPS_BASIS_observed;
}

/* Goes from state `from` to state `to` through the states on the way; `why` is the reason of the last hop, if any. */
static TCPS_RARE void walk(struct tcps_step *step, unsigned end, enum tcps_state from, enum tcps_state to,
                           enum tcps_reason why)
{
    const struct tcps_endpoint *endpoint = &step->conn->end[end];
    enum tcps_state way[TCPS_STATE_COUNT];
    unsigned count = 0;

    for (enum tcps_state state = to; state != from && state != TCPS_UNKNOWN && count < TCPS_STATE_COUNT;
         state = tcps_state_on_the_way(endpoint, state)) {
        if (count && state == TCPS_CLOSED) break; /* a life does not begin on the way */
        way[count++] = state;
    }
    /* A correction goes back directly, and so does a RST: the walk back misses where we stand. */
    if (count == 0 || tcps_reason_kind(why) == TCPS_CORRECTION ||
        tcps_state_on_the_way(endpoint, way[count - 1]) != from) {
        way[0] = to;
        count = 1;
    }
    while (count-- > 0) {
        bool last = count == 0;

        add_hop(step, end, way[count], basis_of(step, end, way[count]),
                last && why ? why : usual_reason(step, end, way[count]));
    }
}

void tcps_settle(struct tcps_step *step, unsigned end, enum tcps_reason why)
{
    const struct tcps_endpoint *endpoint = &step->conn->end[end];
    enum tcps_state from = endpoint->state;
    enum tcps_state to = tcps_state_of(endpoint, &step->conn->end[!end]);

    /* Its facts are those of the old connection: only a RST can still move it there. */
    if (tcps_has(endpoint, TCPS_OLD_LIFE)) {
        to = from;
        if (tcps_has(endpoint, TCPS_RST_GOT)) to = tcps_returns_to_listen(endpoint) ? TCPS_LISTEN : TCPS_CLOSED;
    }
    if (to == from || to == TCPS_UNKNOWN) return;
    /* An ACK overtook the FIN that was sent before it, and was taken for that of a passive closer. */
    if (from == TCPS_CLOSE_WAIT && (to == TCPS_CLOSING || to == TCPS_TIME_WAIT || to == TCPS_FIN_WAIT_2)) {
        add_hop(step, end, TCPS_ESTABLISHED, basis_of(step, end, TCPS_ESTABLISHED), TCPS_WHY_FIN_CAME_FIRST);
        from = TCPS_ESTABLISHED;
    }
    if (!why && tcps_state_on_the_way(endpoint, to) == from) /* one step, as nearly always */
        add_hop(step, end, to, basis_of(step, end, to), usual_reason(step, end, to));
    else
        walk(step, end, from, to, why);
}
