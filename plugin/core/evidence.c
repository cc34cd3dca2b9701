/* What a SYN, FIN or ordinary segment proves (DESIGN.md rules 1 to 4, 6, 7 and 12), put into facts.
 * Knows one connection and one segment; RST is judged in reset.c, states are computed in endpoint.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "seq.h"
#include "step.h"

/* A copy that carries neither IP identification nor time stamp can only be told by its haste: no stack retransmits a SYN
 * or FIN within this time (RFC 6298 asks for 1 s, Linux waits 200 ms, its tail loss probe some milliseconds). */
#define COPY_WITHIN_NS INT64_C(5000000)

/* So many segments of one end must agree on far-off numbers before they are believed without the peer's witness. */
enum { WITNESSES = 3 };

/* After so many retractions a bare ACK no longer opens a server: its accept queue is full (REAL-STACKS.md 27). */
enum { TRUSTED_RETRACTIONS = 2 };

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

    for (uint32_t i = log->count; i-- > 0;) {
        switch (tcps_entry_why(&log->entries[i], step->my_end)) {
        case TCPS_WHY_SYN_SENT:
        case TCPS_WHY_SYN_ANSWERED:
        case TCPS_WHY_FIN_SENT:
        case TCPS_WHY_SYN_REPEATED:
        case TCPS_WHY_SYNACK_REPEATED:
        case TCPS_WHY_SYNACK_AGAIN:
        case TCPS_WHY_FIN_REPEATED:
        case TCPS_WHY_FIN_AGAIN:
        case TCPS_WHY_COPY:
            return log->entries[i].time;
        default:
            break;
        }
    }
    return 0;
}

/* The same packet captured again, not the same octets sent again: a stack gives a retransmission a new IP
 * identification or a later time stamp. */
static bool is_copy(const struct tcps_step *step)
{
    const struct tcps_segment *seg = step->seg;

    if (step->me->mark != tcps_mark_of(seg)) return false;
    if (seg->ip_id || seg->has_ts) return true;
    return seg->time - time_of_last_control(step) <= COPY_WITHIN_NS;
}

/* ---- numbers in doubt, and holes ---- */

void tcps_doubt(struct tcps_step *step, unsigned end, uint32_t number)
{
    struct tcps_rarities *rare = tcps_rarities_of(step->conn, step->memory);

    if (!rare) return;
    rare->doubt[end] = number;
    step->conn->end[end].known |= TCPS_HAS_DOUBT;
}

static uint32_t doubt_of(const struct tcps_step *step, unsigned end)
{
    return step->conn->rarities ? step->conn->rarities->doubt[end] : 0;
}

bool tcps_has_open_hole(const struct tcps_conn *conn, unsigned end)
{
    const struct tcps_endpoint *me = &conn->end[end], *peer = &conn->end[!end];
    const struct tcps_rarities *rare = conn->rarities;

    if (!rare || !tcps_has(me, TCPS_HAS_HOLE) || seq_geq(rare->hole_start[end], rare->hole_end[end])) return false;
    return !tcps_has(peer, TCPS_HAS_RCV) || seq_lt(peer->rcv_nxt, rare->hole_end[end]);
}

/* ---- numbers ---- */

static void start_numbers(const struct tcps_step *step, struct tcps_endpoint *me, uint32_t iss, uint32_t next)
{
    if (!tcps_has(me, TCPS_HAS_NUMBERS)) {
        struct tcps_position frame = {step->seg->at.frame, 0};
        uint32_t entries = tcps_log_before(&step->conn->log, frame);

        me->numbers_at = (entries < TCPS_MAX_INDEX ? entries : TCPS_MAX_INDEX) & 255u;
    }
    me->iss = iss;
    me->snd_una = iss;
    me->snd_nxt = next;
    me->known |= TCPS_HAS_NUMBERS;
}

uint8_t tcps_window_shift(const struct tcps_endpoint *me, const struct tcps_endpoint *peer)
{
    if (!tcps_has(me, TCPS_HAS_WSCALE) || !tcps_has(peer, TCPS_HAS_WSCALE)) return TCPS_MAX_SHIFT;
    return me->wscale == TCPS_NO_SHIFT || peer->wscale == TCPS_NO_SHIFT ? 0 : (uint8_t)me->wscale;
}

/* The window that `me` advertises in `seg`; that of a SYN is never scaled. */
static uint32_t window_of(const struct tcps_endpoint *me, const struct tcps_endpoint *peer,
                          const struct tcps_segment *seg)
{
    return (uint32_t)seg->wnd << ((seg->flags & TCPS_SYN) ? 0 : tcps_window_shift(me, peer));
}

/* Is what `me` acknowledged so far more than `peer` was seen to send? */
static bool is_unconfirmed(const struct tcps_endpoint *me, const struct tcps_endpoint *peer)
{
    return tcps_has(me, TCPS_HAS_RCV) && tcps_has(peer, TCPS_HAS_NUMBERS) && seq_gt(me->rcv_nxt, peer->snd_nxt);
}

/* SEG.ACK and SEG.WND tell what `me` has received and will accept. They only grow - except that an ACK of octets that
 * nobody saw yields to the next one that fits. */
static void take_rcv(struct tcps_endpoint *me, const struct tcps_endpoint *peer, const struct tcps_segment *seg)
{
    uint32_t edge = seg->ack + window_of(me, peer, seg);

    if (!tcps_has(me, TCPS_HAS_RCV) || (is_unconfirmed(me, peer) && seq_leq(seg->ack, peer->snd_nxt))) {
        me->known |= TCPS_HAS_RCV;
        me->rcv_nxt = seg->ack;
        me->rcv_edge = edge;
        return;
    }
    me->rcv_nxt = seq_max(me->rcv_nxt, seg->ack);
    me->rcv_edge = seq_max(me->rcv_edge, edge);
}

/* TS.Recent as the receiver would keep it (RFC 7323 4.3): only from a segment that reaches its left edge. */
static void take_timestamp(struct tcps_endpoint *peer, const struct tcps_segment *seg)
{
    if (!seg->has_ts) return;
    if (tcps_has(peer, TCPS_HAS_RCV) && seq_gt(seg->seq, peer->rcv_nxt)) return;
    if (tcps_has(peer, TCPS_HAS_TS) && seq_lt(seg->tsval, peer->ts_recent)) return;
    peer->known |= TCPS_HAS_TS;
    peer->ts_recent = seg->tsval;
}

static void take_wscale(struct tcps_endpoint *me, const struct tcps_segment *seg)
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

/* The late half of a handshake shows who is who, after the roles were guessed (rule 8). */
static void correct_roles(struct tcps_step *step, unsigned client, enum tcps_role_basis basis)
{
    struct tcps_conn *conn = step->conn;

    if (conn->role_basis == TCPS_ROLE_syn || conn->role_basis == TCPS_ROLE_synack || conn->client_end == client) return;
    conn->client_end = client & 1u;
    conn->role_basis = (unsigned)basis & 3u;
    tcps_verdict(step, client, TCPS_WHY_ROLES_SWAPPED);
}

/* ---- SYN ---- */

void tcps_take_first_syn(struct tcps_step *step, const struct tcps_segment *seg)
{
    struct tcps_endpoint *me = step->me, *peer = step->peer;

    start_numbers(step, me, seg->seq, seg->seq + 1 + seg->len);
    me->known |= TCPS_SEEN | TCPS_HAS_ISS;
    me->known &= ~(uint32_t)TCPS_LISTENS; /* it opens actively, whatever it was taken for */
    me->mark = tcps_mark_of(seg);
    take_wscale(me, seg);
    if (!tcps_has(peer, TCPS_OLD_LIFE)) take_timestamp(peer, seg);
}

static void take_syn_again(struct tcps_step *step)
{
    struct tcps_endpoint *me = step->me;

    if (is_copy(step)) {
        tcps_verdict(step, step->my_end, TCPS_WHY_COPY);
        return;
    }
    me->mark = tcps_mark_of(step->seg);
    if (tcps_has(me, TCPS_RST_GOT) && tcps_only_syn_sent(me)) { /* some stacks try a refused SYN three times */
        me->known &= ~(uint32_t)TCPS_RST_GOT;
        tcps_settle(step, step->my_end, TCPS_WHY_SYN_AFTER_RST);
        return;
    }
    tcps_verdict(step, step->my_end, TCPS_WHY_SYN_REPEATED);
}

static void take_syn(struct tcps_step *step)
{
    struct tcps_endpoint *me = step->me;

    if (tcps_has(me, TCPS_HAS_NUMBERS) && me->iss == step->seg->seq) {
        if (!tcps_has(me, TCPS_HAS_ISS)) { /* captured late: the numbers fit what came before */
            me->known |= TCPS_HAS_ISS | TCPS_SEEN;
            correct_roles(step, step->my_end, TCPS_ROLE_syn);
            if (!tcps_is_open(me)) {
                me->mark = tcps_mark_of(step->seg);
                take_wscale(me, step->seg);
                tcps_settle(step, step->my_end, TCPS_WHY_NONE);
                return;
            }
        }
        take_syn_again(step);
        return;
    }
    if (tcps_has(me, TCPS_HAS_NUMBERS)) {
        step->peer->challenge_due = 1;
        tcps_verdict(step, step->my_end, TCPS_WHY_SYN_INSIDE);
        return;
    }
    tcps_take_first_syn(step, step->seg);
    tcps_settle(step, step->my_end, TCPS_WHY_NONE);
}

/* ---- SYN,ACK ---- */

static bool covers_syn(const struct tcps_endpoint *peer, uint32_t ack)
{
    if (tcps_has(peer, TCPS_FIN_DOUBTED) && ack == peer->fin + 1) return true;
    return seq_gt(ack, peer->iss) && seq_leq(ack, peer->snd_nxt);
}

static void repeat_synack(struct tcps_step *step)
{
    struct tcps_endpoint *me = step->me;

    if (is_copy(step)) {
        tcps_verdict(step, step->my_end, TCPS_WHY_COPY);
        return;
    }
    me->mark = tcps_mark_of(step->seg);
    if (tcps_has(me, TCPS_SYNCHRONIZED) || !tcps_has(me, TCPS_SYN_ACKED) || tcps_has(me, TCPS_HAS_FIN)) {
        tcps_verdict(step, step->my_end,
                     tcps_has(me, TCPS_SYNCHRONIZED) ? TCPS_WHY_SYNACK_INSIDE : TCPS_WHY_SYNACK_REPEATED);
        return;
    }
    me->known &= ~(uint32_t)TCPS_SYN_ACKED; /* rule 3 */
    me->snd_una = me->iss;
    if (me->retractions < TCPS_MAX_COUNT) me->retractions++;
    tcps_settle(step, step->my_end, TCPS_WHY_SYNACK_AGAIN);
}

static void take_new_synack(struct tcps_step *step)
{
    struct tcps_endpoint *me = step->me, *peer = step->peer;
    const struct tcps_segment *seg = step->seg;

    if (tcps_has(me, TCPS_RST_MADE)) { /* a refusal that it did not send */
        me->known &= ~(uint32_t)TCPS_RST_MADE;
        tcps_settle(step, step->my_end, TCPS_WHY_ALIVE_AFTER_RST);
    }
    if (!tcps_has(me, TCPS_HAS_ISS)) {
        start_numbers(step, me, seg->seq, seg->seq + 1 + seg->len);
        me->known |= TCPS_HAS_ISS;
    }
    me->known |= TCPS_SEEN | TCPS_SENT_SYNACK;
    me->mark = tcps_mark_of(seg);
    take_wscale(me, seg);
    take_rcv(me, peer, seg);
    take_timestamp(peer, seg);
    if (seq_gt(seg->ack, peer->iss + 1)) me->known |= TCPS_FAST_OPEN; /* it took data of the SYN (RFC 7413 3) */
    peer->known |= TCPS_SYN_ACKED;
    peer->snd_una = seg->ack;
    tcps_settle(step, step->my_end, TCPS_WHY_NONE);
    tcps_settle(step, step->peer_end, TCPS_WHY_NONE);
}

/* What it was in before stays until something is logged. */
static void forget_old_life(struct tcps_endpoint *me)
{
    *me = (struct tcps_endpoint){.known = TCPS_LISTENS, .state = me->state, .basis = me->basis,
                                 .challenge_due = me->challenge_due};
}

static void take_synack(struct tcps_step *step)
{
    struct tcps_endpoint *me = step->me, *peer = step->peer;
    const struct tcps_segment *seg = step->seg;

    /* The SYN it answers was not captured, or not yet (SPAN ports reorder). Nor need its alleged sender exist: only a
     * segment of its own will show it (backscatter). */
    if (!tcps_has(peer, TCPS_HAS_NUMBERS)) start_numbers(step, peer, seg->ack - 1, seg->ack);
    if (tcps_has(me, TCPS_OLD_LIFE) && covers_syn(peer, seg->ack))
        forget_old_life(me); /* the new SYN has reached it */
    if (tcps_has(me, TCPS_HAS_NUMBERS) && me->iss == seg->seq && tcps_has(me, TCPS_SENT_SYNACK)) {
        repeat_synack(step);
        return;
    }
    if (tcps_has(me, TCPS_PRESUMED_OPEN)) { /* mid-stream: a late copy, which still tells the roles */
        if (me->iss == seg->seq) {
            me->known |= TCPS_HAS_ISS;
            correct_roles(step, step->peer_end, TCPS_ROLE_synack);
        }
        tcps_verdict(step, step->my_end, TCPS_WHY_SYNACK_INSIDE);
        return;
    }
    if (!covers_syn(peer, seg->ack)) {
        tcps_verdict(step, step->my_end, TCPS_WHY_SYNACK_WRONG_ACK);
        return;
    }
    if (tcps_has(me, TCPS_HAS_NUMBERS) && me->iss != seg->seq) {
        if (tcps_is_open(me)) {
            tcps_verdict(step, step->my_end, TCPS_WHY_SYNACK_INSIDE);
            return;
        }
        tcps_doubt(step, step->my_end, seg->seq);
        if (tcps_has(me, TCPS_HAS_DOUBT)) me->known |= TCPS_ALT_ISS;
        tcps_verdict(step, step->my_end, TCPS_WHY_SYNACK_CHANGED);
        return;
    }
    take_new_synack(step);
}

/* ---- ordinary segments: is the segment to be believed? ---- */

/* The first segment of `me` answers the peer's SYN without SYN: an old connection's challenge ACK - or the SYN,ACK was
 * not captured, and this is data. Returns whether it is believed. */
static bool answers_syn(struct tcps_step *step)
{
    const struct tcps_endpoint *peer = step->peer;
    const struct tcps_segment *seg = step->seg;
    bool bare = seg->len == 0 && !(seg->flags & TCPS_FIN);

    /* A Fast Open server sends data in SYN_RECEIVED already; its SYN,ACK may have been lost. */
    if (!tcps_has(step->me, TCPS_OLD_LIFE) && tcps_only_syn_sent(peer) && covers_syn(peer, seg->ack) &&
        seq_gt(peer->snd_nxt, peer->iss + 1)) {
        tcps_verdict(step, step->my_end, TCPS_WHY_EARLY_DATA);
        return false;
    }
    if (tcps_has(step->me, TCPS_OLD_LIFE) || !covers_syn(peer, seg->ack) ||
        (bare && tcps_only_syn_sent(peer) && seg->ack == peer->iss + 1)) {
        enum tcps_reason why =
            step->me->challenge_due ? TCPS_WHY_CHALLENGE_ACK : TCPS_WHY_ACK_FOR_SYN;

        step->me->challenge_due = 0;
        tcps_verdict(step, step->my_end, why);
        return false;
    }
    return true;
}

/* `me` has sent a SYN only, and now an ACK: it must cover the peer's SYN. Returns whether it does. */
static bool takes_synack(struct tcps_step *step)
{
    struct tcps_endpoint *me = step->me, *peer = step->peer;
    const struct tcps_segment *seg = step->seg;

    if (seq_leq(seg->seq, me->iss)) return false;
    if (!tcps_has(peer, TCPS_HAS_NUMBERS)) return true; /* the SYN,ACK was not captured */
    if (tcps_has(peer, TCPS_OLD_LIFE)) return false;
    if (tcps_has(peer, TCPS_ALT_ISS) && seg->ack == doubt_of(step, step->peer_end) + 1) {
        peer->known &= ~(uint32_t)TCPS_ALT_ISS;
        start_numbers(step, peer, seg->ack - 1, seg->ack);
    }
    return covers_syn(peer, seg->ack);
}

/* A segment far beyond the window: a forgery, or the first one after a hole in the capture. It is believed when the
 * peer's numbers agree or when more of the same follow. */
static bool is_believed_at_last(struct tcps_step *step)
{
    struct tcps_endpoint *me = step->me, *peer = step->peer;
    const struct tcps_segment *seg = step->seg;
    uint32_t peers = doubt_of(step, step->peer_end);
    bool peer_agrees = peer->doubts > 0 && seq_leq(seg->ack, peers) && seq_diff(peers, seg->ack) < INT32_C(1) << 20;

    if (me->doubts > 0 && seg->seq == doubt_of(step, step->my_end))
        me->doubts++;
    else
        me->doubts = 1;
    tcps_doubt(step, step->my_end, seg->seq + tcps_segment_space(seg));
    if (!peer_agrees && me->doubts < WITNESSES) return false;
    me->doubts = 0;
    return true;
}

/* Beyond the peer's window the segment proves nothing (RFC 9293 3.10.7.4, first check). */
static bool is_outside_window(const struct tcps_endpoint *peer, const struct tcps_segment *seg)
{
    return tcps_has(peer, TCPS_HAS_RCV) && seq_gt(seg->seq, peer->rcv_edge) && seq_gt(seg->seq, peer->rcv_nxt);
}

/* The FIN may be good or not: the peer's ACK will show. */
static void doubt_fin(struct tcps_endpoint *me, const struct tcps_segment *seg)
{
    me->known |= TCPS_FIN_DOUBTED;
    me->fin = seg->seq + seg->len;
    me->fin_ack = seg->ack;
}

/* The receiver acknowledges data beyond the FIN, which its sender was seen to send: that FIN was forged or corrupt. */
static bool disproves_fin(struct tcps_step *step)
{
    struct tcps_endpoint *peer = step->peer;
    uint32_t sent = doubt_of(step, step->peer_end);

    if (!tcps_has(peer, TCPS_HAS_DOUBT) || seq_leq(sent, peer->fin)) return false;
    if (!seq_between(peer->fin + 2, step->seg->ack, sent)) return false;
    peer->known &= ~(uint32_t)(TCPS_HAS_FIN | TCPS_FIN_UNSEEN);
    peer->snd_nxt = sent;
    step->me->known &= ~(uint32_t)TCPS_FIN_CROSSED;
    tcps_settle(step, step->my_end, TCPS_WHY_FIN_DISPROVED);
    tcps_settle(step, step->peer_end, TCPS_WHY_FIN_DISPROVED);
    return true;
}

static bool is_plausible(struct tcps_step *step)
{
    const struct tcps_endpoint *me = step->me, *peer = step->peer;
    const struct tcps_segment *seg = step->seg;

    if ((tcps_has(me, TCPS_HAS_NUMBERS) && !seq_near(seg->seq, me->snd_nxt)) ||
        (tcps_has(peer, TCPS_HAS_NUMBERS) && !seq_near(seg->ack, peer->snd_nxt))) {
        tcps_verdict(step, step->my_end, TCPS_WHY_IMPLAUSIBLE);
        return false;
    }
    if (!is_outside_window(peer, seg)) {
        step->me->doubts = 0;
    } else if (!is_believed_at_last(step)) {
        if ((seg->flags & TCPS_FIN) && !tcps_has(me, TCPS_HAS_FIN)) doubt_fin(step->me, seg);
        tcps_verdict(step, step->my_end, TCPS_WHY_OUTSIDE_WINDOW);
        return false;
    }
    if (tcps_has(peer, TCPS_HAS_FIN) && seq_gt(seg->ack, peer->fin + 1) && !disproves_fin(step)) {
        tcps_verdict(step, step->my_end, TCPS_WHY_ACKS_BEYOND_FIN);
        return false;
    }
    /* In SYN_RECEIVED nothing was sent but the SYN: another ACK is wrong, and answered by RST (RFC 9293 3.10.7.4). */
    if (tcps_has(peer, TCPS_SENT_SYNACK) && !tcps_is_open(peer) && !covers_syn(peer, seg->ack)) {
        tcps_verdict(step, step->my_end, TCPS_WHY_ACKS_UNSENT);
        return false;
    }
    return true;
}

/* Takes in the door: is the segment part of this connection at all? */
static bool is_believed(struct tcps_step *step)
{
    struct tcps_endpoint *me = step->me, *peer = step->peer;

    if (!(step->seg->flags & TCPS_ACK)) {
        tcps_verdict(step, step->my_end, TCPS_WHY_NO_ACK_FLAG);
        return false;
    }
    if (tcps_has(me, TCPS_OLD_LIFE)) return answers_syn(step);
    if (tcps_has(peer, TCPS_HAS_ISS) && !tcps_has(me, TCPS_HAS_NUMBERS) && !tcps_has(me, TCPS_PRESUMED_OPEN))
        return answers_syn(step);
    if (tcps_only_syn_sent(me) && !takes_synack(step)) {
        if (step->seg->flags & TCPS_FIN) doubt_fin(me, step->seg);
        tcps_verdict(step, step->my_end, TCPS_WHY_ACKS_UNSENT);
        return false;
    }
    return is_plausible(step);
}

/* ---- ordinary segments: what they prove ---- */

/* Does the segment show that `me` is past SYN_RECEIVED? A bare ACK with its first number does not: a challenge ACK is
 * sent from SYN_RECEIVED too; and a Fast Open server sends data before (RFC 7413 4.2). */
static bool proves_synchronized(const struct tcps_step *step)
{
    const struct tcps_endpoint *me = step->me;
    const struct tcps_segment *seg = step->seg;

    if (!tcps_has(me, TCPS_SENT_SYNACK)) return true;
    if (tcps_has(me, TCPS_HAS_RCV) && seq_gt(seg->ack, me->rcv_nxt) && !tcps_has(me, TCPS_FAST_OPEN)) return true;
    if (tcps_has(me, TCPS_FAST_OPEN)) return tcps_has(me, TCPS_SYN_ACKED) && seq_gt(seg->ack, me->rcv_nxt);
    return seg->len > 0 || (seg->flags & TCPS_FIN) || seq_gt(seg->seq, me->iss + 1);
}

/* Which of its octets were not captured? One hole is kept track of: the oldest, grown to the newest. */
static void take_hole(struct tcps_step *step)
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

static void take_snd_nxt(struct tcps_endpoint *me, const struct tcps_segment *seg)
{
    uint32_t end = seg->seq + seg->len;

    if (seq_leq(end, me->snd_nxt)) return;
    me->snd_nxt = end;
    me->known = seg->len ? me->known & ~(uint32_t)TCPS_NXT_IS_BARE : me->known | TCPS_NXT_IS_BARE;
}

/* Mid-stream it proves less: an endpoint in CLOSE_WAIT sends the same, if the peer's FIN came before the capture. */
static void prove_open(struct tcps_step *step)
{
    step->me->known |= TCPS_SYNCHRONIZED;
    if (step->me->state == TCPS_ESTABLISHED && step->me->basis != TCPS_BASIS_observed &&
        !tcps_has(step->me, TCPS_PRESUMED_OPEN))
        tcps_verdict(step, step->my_end, TCPS_WHY_PROVEN);
}

/* Its FIN is captured late after all: what it says itself is better than what was assumed. If it does not acknowledge the
 * peer's FIN, as the usual close would, the FINs crossed, and what was built on that acknowledgement falls. So it does if
 * it sends data where its FIN was assumed. */
static void forget_unseen_fin(struct tcps_step *step)
{
    struct tcps_endpoint *me = step->me, *peer = step->peer;
    bool passive = tcps_is_passive(me, peer);

    me->known &= ~(uint32_t)(TCPS_HAS_FIN | TCPS_FIN_UNSEEN);
    if (me->snd_nxt == me->fin + 1) me->known |= TCPS_NXT_IS_BARE;
    if (!passive || (seq_gt(step->seg->ack, peer->fin) && (step->seg->flags & TCPS_FIN))) return;
    if ((!tcps_has(me, TCPS_HAS_RCV) || seq_leq(me->rcv_nxt, peer->fin)) && tcps_fin_acked(peer)) peer->snd_una = peer->fin;
    tcps_settle(step, step->my_end, TCPS_WHY_FIN_NOT_AS_ASSUMED);
    tcps_settle(step, step->peer_end, TCPS_WHY_FIN_NOT_AS_ASSUMED);
}

static void take_sending(struct tcps_step *step)
{
    struct tcps_endpoint *me = step->me;
    const struct tcps_segment *seg = step->seg;
    uint32_t end = seg->seq + seg->len;

    if (!tcps_has(me, TCPS_HAS_NUMBERS)) {
        start_numbers(step, me, seg->seq - 1, seg->seq);
        if (tcps_segment_space(seg) == 0) me->known |= TCPS_NXT_IS_BARE;
        if (tcps_has(me, TCPS_LISTENS)) me->known |= TCPS_SENT_SYNACK | TCPS_SYN_ACKED; /* its SYN,ACK was missed */
    }
    if (proves_synchronized(step)) prove_open(step);
    if (tcps_has(me, TCPS_FIN_UNSEEN) && seg->len > 0 && seq_gt(end, me->fin)) forget_unseen_fin(step); /* it was data */
    if (tcps_has(me, TCPS_HAS_FIN) && seg->len > 0 && seq_gt(end, me->fin)) {
        tcps_doubt(step, step->my_end, end);
        tcps_verdict(step, step->my_end, TCPS_WHY_DATA_BEYOND_FIN);
        return;
    }
    take_hole(step);
    take_snd_nxt(me, seg);
    /* Octets where a doubted FIN stood: it was none. */
    if (tcps_has(me, TCPS_FIN_DOUBTED) && seq_gt(end, me->fin) && seg->len > 0) me->known &= ~(uint32_t)TCPS_FIN_DOUBTED;
    if (seg->len && !me->first_data) me->first_data = seg->at.frame;
    if (!seg->len && !me->first_ack && !(seg->flags & TCPS_FIN)) me->first_ack = seg->at.frame;
}

/* A bare ACK of one octet more than is known may be that of a FIN which was not captured: nobody sends one octet and then
 * waits, but everybody closes once (REAL-STACKS.md 18, 31). */
static void guess_fin(struct tcps_step *step)
{
    struct tcps_endpoint *peer = step->peer;
    const struct tcps_segment *seg = step->seg;

    if (tcps_has(peer, TCPS_HAS_FIN) || seq_leq(seg->ack, peer->snd_nxt)) return;
    if (tcps_has(peer, TCPS_PRESUMED_OPEN) && !tcps_has(peer, TCPS_SEEN)) return; /* nothing of it is known at all */
    peer->known &= ~(uint32_t)TCPS_FIN_GUESSED;
    if (seg->len || seg->ack != peer->snd_nxt + 1 || tcps_has(peer, TCPS_FIN_DOUBTED)) return;
    peer->fin = peer->snd_nxt;
    peer->known |= TCPS_FIN_GUESSED;
}

/* The guess is believed once `me` has sent its own FIN as well: both close, and no octet of data stands there. */
static void believe_guessed_fin(struct tcps_step *step)
{
    struct tcps_endpoint *me = step->me, *peer = step->peer;

    if (!tcps_has(peer, TCPS_FIN_GUESSED) || !tcps_has(me, TCPS_HAS_FIN)) return;
    if (step->seg->ack != peer->fin + 1 || seq_gt(peer->snd_nxt, peer->fin + 1)) return;
    peer->known &= ~(uint32_t)TCPS_FIN_GUESSED;
    peer->known |= TCPS_HAS_FIN | TCPS_FIN_UNSEEN;
    /* Acknowledged after my FIN: the usual close, in which the peer's FIN acknowledges mine. Else it came before. */
    peer->fin_ack = (step->seg->flags & TCPS_FIN) ? me->fin : me->fin + 1;
    peer->snd_nxt = seq_max(peer->snd_nxt, peer->fin + 1);
    peer->snd_una = seq_max(peer->snd_una, peer->fin + 1);
    step->implied = true;
}

/* The peer's handshake was not captured, or not in full: the ACK implies it. */
static void imply_peer(struct tcps_step *step)
{
    struct tcps_endpoint *peer = step->peer;
    const struct tcps_segment *seg = step->seg;

    if (!tcps_has(peer, TCPS_HAS_NUMBERS)) {
        start_numbers(step, peer, seg->ack - 1, seg->ack);
        if (tcps_has(peer, TCPS_LISTENS)) {
            peer->known |= TCPS_SENT_SYNACK | TCPS_HAS_ISS | TCPS_SYN_ACKED;
            step->implied = true;
        }
    }
    /* The addressee of its SYN is open: so is it, though its ACK, or all of it, was not captured. */
    if (!tcps_is_open(peer) && !tcps_has(peer, TCPS_SENT_SYNACK) && tcps_has(step->me, TCPS_SYNCHRONIZED) &&
        tcps_has(step->me, TCPS_SENT_SYNACK)) {
        peer->known |= TCPS_HAS_ISS | TCPS_SYNCHRONIZED;
        step->implied = true;
    } else if (tcps_only_syn_sent(peer) && tcps_has(step->me, TCPS_SYNCHRONIZED)) {
        peer->known |= TCPS_SENT_SYNACK; /* both sent a bare SYN, and this one's was acknowledged */
        step->implied = true;
    }
}

/* Rule 2: the ACK takes effect on the peer at once. */
static void take_ack_effect(struct tcps_step *step)
{
    struct tcps_endpoint *me = step->me, *peer = step->peer;
    const struct tcps_segment *seg = step->seg;
    uint32_t ack = seg->ack;

    /* A segment wholly below the peer's window is dropped with its ACK (RFC 9293 3.10.7.4, first check). */
    if (tcps_has(peer, TCPS_HAS_RCV) && tcps_has(peer, TCPS_SEEN) && !is_unconfirmed(peer, me) &&
        seq_lt(seg->seq + tcps_segment_space(seg), peer->rcv_nxt))
        return;
    /* Octets of the peer that were not captured exist if nobody captures the peer at all. */
    if (!tcps_has(peer, TCPS_SEEN) && seq_gt(ack, peer->snd_nxt)) {
        peer->snd_nxt = ack;
        peer->known |= TCPS_NXT_IS_BARE;
    }
    if (tcps_has(peer, TCPS_FIN_DOUBTED) && ack == peer->fin + 1 && !tcps_has(peer, TCPS_HAS_FIN)) {
        peer->known |= TCPS_HAS_FIN;
        peer->snd_nxt = seq_max(peer->snd_nxt, ack);
    }
    if (!tcps_has(peer, TCPS_SYN_ACKED) && !tcps_has(peer, TCPS_RST_GOT) && seq_gt(ack, peer->iss) &&
        peer->retractions < TRUSTED_RETRACTIONS)
        peer->known |= TCPS_SYN_ACKED;
    if (seq_gt(ack, peer->snd_nxt)) ack = peer->snd_nxt;
    if (seq_leq(ack, peer->snd_una)) return;
    /* The ACK of its FIN was sent after my own FIN, which is presumed to have come first: the FINs crossed. */
    if (tcps_has(peer, TCPS_HAS_FIN) && seq_gt(ack, peer->fin) && seq_leq(peer->snd_una, peer->fin) &&
        tcps_has(me, TCPS_HAS_FIN) && seq_gt(seg->seq, me->fin) && !tcps_is_passive(me, peer) &&
        !tcps_fin_received(peer, me) && !tcps_has_open_hole(step->conn, step->my_end))
        peer->known |= TCPS_FIN_CROSSED;
    peer->snd_una = ack;
}

/* ---- FIN ---- */

static void believe_doubted_fin(struct tcps_endpoint *peer)
{
    peer->known |= TCPS_HAS_FIN | TCPS_SYNCHRONIZED;
    peer->known &= ~(uint32_t)TCPS_FIN_DOUBTED;
    peer->snd_nxt = seq_max(peer->snd_nxt, peer->fin + 1);
    peer->rcv_nxt = peer->fin_ack;
    if (!tcps_has(peer, TCPS_HAS_RCV)) peer->rcv_edge = peer->rcv_nxt + TCPS_MAX_WINDOW;
    peer->known |= TCPS_HAS_RCV;
}

static bool has_doubted_fin(const struct tcps_endpoint *endpoint)
{
    return tcps_has(endpoint, TCPS_FIN_DOUBTED) && !tcps_has(endpoint, TCPS_HAS_FIN);
}

bool tcps_believe_fin_by_hole(struct tcps_step *step)
{
    struct tcps_endpoint *me = step->me, *peer = step->peer;
    uint32_t seq = step->seg->seq;

    if (!has_doubted_fin(peer) || !tcps_has(me, TCPS_HAS_NUMBERS)) return false;
    if (seq != peer->fin_ack || seq_leq(seq, me->snd_nxt)) return false;
    believe_doubted_fin(peer);
    return true;
}

/* Does a later segment of `me` prove that the ACK of its FIN did arrive? It does if it acknowledged the peer's FIN, which
 * carried that ACK. */
static bool fin_ack_is_proven(const struct tcps_endpoint *me, const struct tcps_endpoint *peer)
{
    return tcps_has(peer, TCPS_HAS_FIN) && tcps_is_passive(peer, me) && tcps_has(me, TCPS_HAS_RCV) &&
           seq_gt(me->rcv_nxt, peer->fin) && tcps_has(me, TCPS_HAS_FIN);
}

static void repeat_fin(struct tcps_step *step)
{
    struct tcps_endpoint *me = step->me;

    if (is_copy(step)) {
        tcps_verdict(step, step->my_end, TCPS_WHY_COPY);
        return;
    }
    me->mark = tcps_mark_of(step->seg);
    if (!tcps_fin_acked(me) || fin_ack_is_proven(me, step->peer)) {
        tcps_verdict(step, step->my_end, TCPS_WHY_FIN_REPEATED);
        return;
    }
    me->snd_una = me->fin; /* rule 3 */
    me->known &= ~(uint32_t)TCPS_FIN_CROSSED;
    tcps_settle(step, step->my_end, TCPS_WHY_FIN_AGAIN);
}

/* An ACK below SND.UNA - MAX.SND.WND comes from no honest sender (RFC 5961 5). */
static bool is_ack_too_old(const struct tcps_endpoint *me, const struct tcps_endpoint *peer, uint32_t ack)
{
    uint32_t window = 65535;

    if (tcps_has(me, TCPS_HAS_RCV) && me->rcv_edge - me->rcv_nxt > window) window = me->rcv_edge - me->rcv_nxt;
    return tcps_has(peer, TCPS_HAS_NUMBERS) && seq_lt(ack, peer->snd_una - window);
}

/* Why the FIN's receiver would drop it (RFC 9293 3.10.7.4, RFC 7323 5.3), or TCPS_WHY_NONE. `ack_ahead`: its ACK is ahead
 * of what the peer was seen to send. */
static enum tcps_reason fin_defect(const struct tcps_step *step, bool ack_ahead)
{
    const struct tcps_endpoint *me = step->me, *peer = step->peer;
    const struct tcps_segment *seg = step->seg;
    uint32_t fin = seg->seq + seg->len;

    /* One octet more is known to be sent, but not what it is: it is the FIN. */
    if (seq_gt(me->snd_nxt, fin) && !(tcps_has(me, TCPS_NXT_IS_BARE) && me->snd_nxt == fin + 1))
        return TCPS_WHY_FIN_ELSEWHERE;
    if (tcps_has(peer, TCPS_HAS_RCV) && !is_unconfirmed(peer, me) && seq_gt(peer->rcv_nxt, fin + 1))
        return TCPS_WHY_FIN_ELSEWHERE;
    if (seg->has_ts && tcps_has(peer, TCPS_HAS_TS) && seq_lt(seg->tsval, peer->ts_recent))
        return TCPS_WHY_OLD_TIMESTAMP;
    if (is_ack_too_old(me, peer, seg->ack)) return TCPS_WHY_ACKS_OLD;
    /* Octets that nobody saw: a forger's guess - unless an earlier segment acknowledged them too, and the capture has a
     * hole. */
    if (ack_ahead && tcps_has(peer, TCPS_SEEN) && !(tcps_has(me, TCPS_HAS_RCV) && me->rcv_nxt == seg->ack))
        return TCPS_WHY_ACKS_UNSENT;
    return TCPS_WHY_NONE;
}

/* Returns false if the FIN is one that its receiver drops. */
static bool take_fin(struct tcps_step *step, enum tcps_reason defect)
{
    struct tcps_endpoint *me = step->me;
    const struct tcps_segment *seg = step->seg;
    uint32_t fin = seg->seq + seg->len;

    if (defect) {
        if (defect != TCPS_WHY_FIN_ELSEWHERE) doubt_fin(me, seg);
        tcps_verdict(step, step->my_end, defect);
        return false;
    }
    me->known |= TCPS_HAS_FIN;
    me->known &= ~(uint32_t)(TCPS_FIN_DOUBTED | TCPS_HAS_DOUBT); /* nothing is known beyond it */
    me->fin = fin;
    me->fin_ack = seg->ack;
    me->mark = tcps_mark_of(seg);
    return true;
}

/* ---- ordinary segments ---- */

static bool note_challenge(struct tcps_step *step)
{
    if (!step->me->challenge_due) return false;
    step->me->challenge_due = 0;
    return step->seg->len == 0 && !(step->seg->flags & TCPS_FIN) && step->seg->ack == step->me->rcv_nxt;
}

/* Facts only; returns false if the segment turned out to be one that its receiver drops as a whole. */
static bool take_facts(struct tcps_step *step)
{
    struct tcps_endpoint *me = step->me, *peer = step->peer;
    const struct tcps_segment *seg = step->seg;
    bool fin = seg->flags & TCPS_FIN, fin_is_new;
    bool confirms = tcps_has(peer, TCPS_FIN_DOUBTED) && seg->ack == peer->fin + 1;
    bool ack_ahead = tcps_has(peer, TCPS_HAS_NUMBERS) && seq_gt(seg->ack, peer->snd_nxt) && !confirms;

    if (fin && tcps_has(me, TCPS_FIN_UNSEEN)) forget_unseen_fin(step);
    fin_is_new = fin && !tcps_has(me, TCPS_HAS_FIN);
    if (fin_is_new && tcps_has(me, TCPS_HAS_NUMBERS) && !take_fin(step, fin_defect(step, ack_ahead))) return false;
    if (fin && !fin_is_new && seg->seq + seg->len != me->fin) {
        tcps_verdict(step, step->my_end, TCPS_WHY_FIN_ELSEWHERE);
        return false;
    }
    if (!tcps_has(me, TCPS_SEEN)) me->known &= ~(uint32_t)TCPS_FIN_GUESSED; /* what it sent before, nobody knows */
    me->known |= TCPS_SEEN;
    tcps_believe_fin_by_hole(step);
    take_sending(step);
    if (fin_is_new && !tcps_has(me, TCPS_HAS_FIN)) take_fin(step, TCPS_WHY_NONE); /* its very first segment */
    if (fin) me->snd_nxt = seq_max(me->snd_nxt, me->fin + 1);
    /* Captured behind the FIN that acknowledges it, which was doubted for that. */
    if (fin_is_new && has_doubted_fin(peer) && peer->fin_ack == me->snd_nxt) believe_doubted_fin(peer);
    /* Its ACK was captured before it (SPAN ports reorder). */
    if (fin_is_new && tcps_has(peer, TCPS_HAS_RCV) && peer->rcv_nxt == me->snd_nxt) me->snd_una = me->snd_nxt;
    take_timestamp(peer, seg);
    take_rcv(me, peer, seg);
    imply_peer(step);
    guess_fin(step);
    take_ack_effect(step);
    believe_guessed_fin(step);
    /* Every copy of the peer's FIN acknowledged mine: who has received it knows. */
    if (fin_ack_is_proven(me, peer)) me->snd_una = seq_max(me->snd_una, me->fin + 1);
    return true;
}

static void take_ordinary(struct tcps_step *step)
{
    const struct tcps_segment *seg = step->seg;
    struct tcps_endpoint *me = step->me;
    bool repeats = (seg->flags & TCPS_FIN) && tcps_has(me, TCPS_HAS_FIN) && !tcps_has(me, TCPS_FIN_UNSEEN) &&
                   seg->seq + seg->len == me->fin;
    uint32_t known[2];

    if (!is_believed(step)) return;
    if (me->known & (TCPS_RST_GOT | TCPS_RST_MADE)) {
        tcps_judge_life_after_reset(step);
        /* A FIN was sent before the RST came, if it came: the RST that answers the FIN will tell. */
        if ((seg->flags & TCPS_FIN) && tcps_has(me, TCPS_RST_GOT) && !tcps_has(me, TCPS_HAS_FIN)) {
            me->known &= ~(uint32_t)TCPS_RST_GOT;
            tcps_settle(step, step->my_end, TCPS_WHY_SENT_BEFORE_RST);
        }
    }
    if (note_challenge(step)) tcps_verdict(step, step->my_end, TCPS_WHY_CHALLENGE_ACK);
    known[0] = me->known;
    known[1] = step->peer->known;
    if (!take_facts(step)) return;
    /* While neither has sent a FIN, what is known of both decides; numbers alone move nobody. */
    if (me->known != known[0] || step->peer->known != known[1] || ((known[0] | known[1]) & TCPS_HAS_FIN)) {
        tcps_settle(step, step->my_end, TCPS_WHY_NONE);
        tcps_settle(step, step->peer_end, TCPS_WHY_NONE);
    }
    if (repeats) repeat_fin(step);
}

void tcps_take_evidence(struct tcps_step *step)
{
    if (!(step->seg->flags & TCPS_SYN))
        take_ordinary(step);
    else if (step->seg->flags & TCPS_ACK)
        take_synack(step);
    else
        take_syn(step);
}
