/* Sequence numbers, windows, time stamps and holes of one endpoint, as segments tell them; copies of segments.
 * See evidence.h. Knows no handshake and no close.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "evidence.h"

#include "seq.h"

/* ---- copies ---- */

uint32_t tcps_mark_of(const struct tcps_segment *seg)
{
    uint32_t mark = seg->seq * UINT32_C(2654435761);

    mark = (mark ^ seg->ack) * UINT32_C(2246822519);
    mark = (mark ^ (uint32_t)seg->ip_id << 16 ^ seg->wnd) * UINT32_C(3266489917);
    mark = (mark ^ (seg->has_ts ? seg->tsval : 0)) * UINT32_C(668265263);
    return mark ^ seg->len ^ (uint32_t)(seg->flags & 0x17) << 24;
}

/* When the control segment that `me` repeats was last seen; 0 if it cannot be told. */
static int64_t time_of_last_control(const struct tcps_step *step)
{
    const struct tcps_log *log = &step->conn->log;

    for (uint32_t i = step->first_entry; i-- > 0;) {
        switch (tcps_entry_why(&log->entries[i], step->my_end)) {
        case TCPS_WHY_SYN_SENT:
        case TCPS_WHY_SYN_ANSWERED:
        case TCPS_WHY_FIN_SENT:
        case TCPS_WHY_SYN_REPEATED:
        case TCPS_WHY_SYNACK_REPEATED:
        case TCPS_WHY_SYNACK_AGAIN:
        case TCPS_WHY_FIN_REPEATED:
        case TCPS_WHY_FIN_AGAIN:
        case TCPS_WHY_COPY: return log->entries[i].time;
        default: break;
        }
    }
    return 0;
}

/* The same packet captured again, not the same octets sent again: a stack gives a retransmission a new IP
 * identification or a later time stamp. */
static TCPS_RARE bool is_copy(const struct tcps_step *step)
{
    const struct tcps_segment *seg = step->seg;

    if (step->me->mark != tcps_mark_of(seg)) return false;
    if (seg->ip_id || seg->has_ts) return true;
    return seg->time - time_of_last_control(step) <= TCPS_COPY_WITHIN;
}

bool tcps_is_overtaken(const struct tcps_segment *seg, const struct tcps_endpoint *peer)
{
    return seg->has_ts && tcps_has(peer, TCPS_HAS_TS) && seq_lt(seg->tsval, peer->ts_recent);
}

/* The overtaken one does not take the place of what overtook it: a copy of either may come yet. */
static TCPS_RARE bool is_late_copy(const struct tcps_step *step)
{
    const struct tcps_rarities *rare = step->conn->rarities;

    return rare && rare->late_mark[step->my_end] == tcps_mark_of(step->seg);
}

TCPS_RARE bool tcps_is_stale(const struct tcps_step *step)
{
    return is_copy(step) || tcps_is_overtaken(step->seg, step->peer);
}

TCPS_RARE bool tcps_dismisses_stale(struct tcps_step *step, enum tcps_reason again)
{
    struct tcps_rarities *rare;

    if (!tcps_is_stale(step)) return false;
    if (is_copy(step) || is_late_copy(step)) {
        tcps_verdict(step, step->my_end, TCPS_WHY_COPY);
        return true;
    }
    rare = tcps_rarities_of(step->conn, step->memory);
    if (rare) rare->late_mark[step->my_end] = tcps_mark_of(step->seg);
    tcps_verdict(step, step->my_end, again);
    return true;
}

/* ---- numbers in doubt, and holes ---- */

TCPS_RARE void tcps_doubt(struct tcps_step *step, unsigned end, uint32_t number)
{
    struct tcps_rarities *rare = tcps_rarities_of(step->conn, step->memory);

    if (!rare) return;
    rare->doubt[end] = number;
    step->conn->end[end].known |= TCPS_HAS_DOUBT;
}

uint32_t tcps_doubt_of(const struct tcps_step *step, unsigned end)
{
    return step->conn->rarities ? step->conn->rarities->doubt[end] : 0;
}

bool tcps_has_open_hole(const struct tcps_conn *conn, unsigned end)
{
    const struct tcps_endpoint *me = &conn->end[end], *peer = &conn->end[!end];
    const struct tcps_rarities *rare = conn->rarities;

    if (!rare || !tcps_has(me, TCPS_HAS_HOLE) || seq_geq(rare->hole_start[end], rare->hole_end[end])) return false;
    return !tcps_has(peer, TCPS_HAS_RCV) || tcps_is_unconfirmed(peer, me) || seq_lt(peer->rcv_nxt, rare->hole_end[end]);
}

/* Which of its octets were not captured? One hole is kept track of: the oldest, grown to the newest. */
void tcps_take_hole(struct tcps_step *step)
{
    struct tcps_endpoint *me = step->me;
    uint32_t seq = step->seg->seq, end = seq + tcps_segment_space(step->seg);
    bool ahead = seq_gt(seq, me->snd_nxt);
    struct tcps_rarities *rare;

    if (!ahead && !tcps_has(me, TCPS_HAS_HOLE)) return;
    rare = tcps_rarities_of(step->conn, step->memory);
    if (!rare) return;
    if (ahead) {
        if (!tcps_has_open_hole(step->conn, step->my_end)) rare->hole_start[step->my_end] = me->snd_nxt;
        rare->hole_end[step->my_end] = seq;
        me->known |= TCPS_HAS_HOLE;
    } else if (seq_leq(seq, rare->hole_start[step->my_end]) && seq_gt(end, rare->hole_start[step->my_end])) {
        rare->hole_start[step->my_end] = end;
    }
    if (!tcps_has_open_hole(step->conn, step->my_end)) me->known &= ~(uint32_t)TCPS_HAS_HOLE;
}

/* ---- numbers ---- */

/* Sentences go on counting from the first ISS before this packet, and from the second one for good: a third is rare
 * even among forgeries. */
static TCPS_RARE void remember_base(const struct tcps_step *step, unsigned end, uint32_t old, uint32_t new)
{
    struct tcps_rarities *rare = tcps_rarities_of(step->conn, step->memory);

    if (!rare || rare->rebased_at[end].frame) return;
    rare->rebased_at[end] = step->seg->at;
    rare->bases[end][0] = old;
    rare->bases[end][1] = new;
}

void tcps_start_numbers(const struct tcps_step *step, struct tcps_endpoint *me, uint32_t iss, uint32_t next)
{
    if (!tcps_has(me, TCPS_HAS_NUMBERS)) {
        struct tcps_position frame = {step->seg->at.frame, 0};
        uint32_t entries = tcps_log_before(&step->conn->log, frame);

        me->numbers_at = (entries < TCPS_MAX_INDEX ? entries : TCPS_MAX_INDEX) & 255u;
    } else if (me->iss != iss) {
        remember_base(step, me == &step->conn->end[1], me->iss, iss);
    }
    me->iss = iss;
    me->snd_una = iss;
    me->snd_nxt = next;
    me->known |= TCPS_HAS_NUMBERS;
}

/* The window that `me` advertises in `seg`; that of a SYN is never scaled. */
static uint32_t window_of(const struct tcps_endpoint *me, const struct tcps_endpoint *peer,
                          const struct tcps_segment *seg)
{
    return (uint32_t)seg->wnd << ((seg->flags & TCPS_SYN) ? 0 : tcps_window_shift(me, peer));
}

/* Is what `me` acknowledged so far more than `peer` was seen to send? */
bool tcps_is_unconfirmed(const struct tcps_endpoint *me, const struct tcps_endpoint *peer)
{
    return tcps_has(me, TCPS_HAS_RCV) && tcps_has(peer, TCPS_HAS_NUMBERS) && seq_gt(me->rcv_nxt, peer->snd_nxt);
}

/* SEG.ACK and SEG.WND tell what `me` has received and will accept. They only grow - except that an ACK of octets that
 * nobody saw yields to the next one that fits. */
void tcps_take_rcv(struct tcps_endpoint *me, const struct tcps_endpoint *peer, const struct tcps_segment *seg)
{
    uint32_t edge = seg->ack + window_of(me, peer, seg);

    if (!tcps_has(me, TCPS_HAS_RCV) || (tcps_is_unconfirmed(me, peer) && seq_leq(seg->ack, peer->snd_nxt))) {
        me->known |= TCPS_HAS_RCV;
        me->rcv_nxt = seg->ack;
        me->rcv_edge = edge;
        return;
    }
    me->rcv_nxt = seq_max(me->rcv_nxt, seg->ack);
    me->rcv_edge = seq_max(me->rcv_edge, edge);
}

/* TS.Recent as the receiver would keep it (RFC 7323 4.3): only from a segment that reaches its left edge. */
void tcps_take_timestamp(struct tcps_endpoint *peer, const struct tcps_segment *seg)
{
    if (!seg->has_ts) return;
    if (tcps_has(peer, TCPS_HAS_RCV) && seq_gt(seg->seq, peer->rcv_nxt)) return;
    if (tcps_has(peer, TCPS_HAS_TS) && seq_lt(seg->tsval, peer->ts_recent)) return;
    peer->known |= TCPS_HAS_TS;
    peer->ts_recent = seg->tsval;
}

void tcps_take_wscale(struct tcps_endpoint *me, const struct tcps_segment *seg)
{
    if (seg->wscale == TCPS_NO_WSCALE)
        me->wscale = TCPS_NO_SHIFT;
    else
        me->wscale = (seg->wscale < TCPS_MAX_SHIFT ? seg->wscale : TCPS_MAX_SHIFT) & 15u;
    me->known |= TCPS_HAS_WSCALE;
}

bool tcps_only_syn_sent(const struct tcps_endpoint *endpoint)
{
    return tcps_has(endpoint, TCPS_HAS_ISS) && !tcps_has(endpoint, TCPS_SENT_SYNACK) && !tcps_is_open(endpoint);
}
