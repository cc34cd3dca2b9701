/* Judging RST (README.md, rule 5; RFC 9293 3.5.3 and 3.10.7, RFC 5961 3, REAL-STACKS 1 to 15).
 * Whether a RST counts depends on what its receiver waits for - which the observer knows only within limits: RCV.NXT
 * lies between the last ACK that the receiver sent and the highest number that the RST's sender has used.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "evidence.h"

#include "seq.h"

/* ---- is the RST good? ---- */

enum judgement { EXACT, IN_WINDOW, OUTSIDE };

/* The FIN's own number is accepted too once the FIN is in (Linux; REAL-STACKS 4): data crossed it. Not in
 * TIME_WAIT. */
static bool is_number_of_taken_fin(const struct tcps_step *step, uint32_t seq)
{
    unsigned state = step->peer->state;

    if (state != TCPS_CLOSE_WAIT && state != TCPS_CLOSING && state != TCPS_LAST_ACK) return false;
    return tcps_has(step->me, TCPS_HAS_FIN) && seq == step->me->fin;
}

static enum judgement judge_number(const struct tcps_step *step)
{
    const struct tcps_endpoint *me = step->me, *peer = step->peer;
    uint32_t seq = step->seg->seq, low, high;

    if (!tcps_has(peer, TCPS_HAS_RCV) && !tcps_has(me, TCPS_HAS_NUMBERS)) return EXACT; /* nothing speaks against it */
    /* Of an end that nobody captures it is not known how far it came: a closed process takes the number from there. */
    low = tcps_has(peer, TCPS_HAS_RCV) ? peer->rcv_nxt : tcps_has(peer, TCPS_OLD_LIFE) ? me->snd_nxt : me->iss + 1;
    high = tcps_has(me, TCPS_HAS_NUMBERS) && !tcps_has(peer, TCPS_OLD_LIFE) ? me->snd_nxt : low;
    /* Octets that were not captured, or a forged ACK: either may be right, nothing between. */
    if (seq_lt(high, low) && seq == high) return EXACT;
    if (seq_lt(high, low)) high = low;
    if (seq_between(low, seq, high) || is_number_of_taken_fin(step, seq)) return EXACT;
    if (!tcps_has(peer, TCPS_HAS_RCV)) return OUTSIDE;
    /* One from below is acceptable too when its octets - data, a FIN that no TCP would send - reach RCV.NXT. */
    return seq_leq(seq, peer->rcv_edge) && seq_geq(seq + step->seg->len, low) ? IN_WINDOW : OUTSIDE;
}

/* A listener's half-open connection checks the RST's ACK as well, if it has one (REAL-STACKS 11). */
static bool has_wrong_ack(const struct tcps_step *step)
{
    return (step->seg->flags & TCPS_ACK) && !tcps_is_past_syn(step->peer, step->seg->ack);
}

/* Against SYN_SENT a RST must acknowledge the SYN - unless the SYN,ACK came first, and the endpoint is further than its
 * own segments show. */
static bool refuses(const struct tcps_step *step)
{
    const struct tcps_endpoint *me = step->me, *peer = step->peer;
    const struct tcps_segment *seg = step->seg;

    if (seg->flags & TCPS_ACK) return tcps_is_past_syn(peer, seg->ack);
    return tcps_has(me, TCPS_SENT_SYNACK) && seg->seq == me->snd_nxt;
}

/* ---- its effect ---- */

/* The RST's own ACK shows that its sender had received the peer's FIN (close with unread data, linger 0). The receiver
 * processes the RST before that ACK: it does not reach FIN_WAIT_2. */
static void show_fin_taken(struct tcps_step *step)
{
    struct tcps_endpoint *me = step->me;
    const struct tcps_endpoint *peer = step->peer;

    if (!(step->seg->flags & TCPS_ACK) || !tcps_has(peer, TCPS_HAS_FIN) || tcps_fin_acked(me)) return;
    if (step->seg->ack != peer->fin + 1 || tcps_fin_received(me, peer)) return;
    me->known |= TCPS_HAS_RCV;
    me->rcv_nxt = step->seg->ack;
    tcps_settle(step, step->my_end, TCPS_WHY_RST_OF_FIN_TAKER);
}

/* In TIME_WAIT nothing is answered by RST: it was only presumed that the peer's FIN had arrived, and this is an orphan
 * in FIN_WAIT_2 that got data (REAL-STACKS 12) - or still in FIN_WAIT_1: a bare RST takes its number from the ACK of
 * what it answers, and this one did not cover the FIN. */
static void take_back_crossing(struct tcps_step *step)
{
    struct tcps_endpoint *me = step->me;
    const struct tcps_segment *seg = step->seg;

    if (!tcps_has(me, TCPS_FIN_CROSSED)) return;
    if (tcps_has(me, TCPS_HAS_RCV) && seq_gt(me->rcv_nxt, step->peer->fin)) return;
    me->known &= ~(uint32_t)TCPS_FIN_CROSSED;
    if (!(seg->flags & TCPS_ACK) && seg->seq == me->fin) me->snd_una = me->fin;
    tcps_settle(step, step->my_end, TCPS_WHY_FIN_NOT_TAKEN);
}

/* A RST,ACK that covers the SYN,ACK comes from a socket that was open: a host without one answers by a bare RST. */
static void show_open(struct tcps_step *step)
{
    struct tcps_endpoint *me = step->me;
    const struct tcps_endpoint *peer = step->peer;

    if (!(step->seg->flags & TCPS_ACK) || !tcps_only_syn_sent(me) || !tcps_has(peer, TCPS_SENT_SYNACK)) return;
    if (seq_leq(step->seg->seq, me->iss) || step->seg->ack != peer->iss + 1) return;
    me->known |= TCPS_SYNCHRONIZED | TCPS_HAS_RCV;
    me->rcv_nxt = me->rcv_edge = step->seg->ack;
    tcps_settle(step, step->my_end, TCPS_WHY_SYN_TAKEN);
}

/* What the RST itself acknowledges is no news when ACKs that it overtook come after it. */
static void note_ack_of_reset(struct tcps_step *step)
{
    struct tcps_endpoint *me = step->me;
    uint32_t ack = step->seg->ack;

    if (!(step->seg->flags & TCPS_ACK)) return;
    if (!tcps_has(me, TCPS_HAS_RCV)) {
        me->known |= TCPS_HAS_RCV;
        me->rcv_nxt = ack;
        me->rcv_edge = ack + TCPS_MAX_WINDOW;
    } else if (seq_gt(ack, me->rcv_nxt) && seq_leq(ack, step->peer->snd_nxt)) {
        me->rcv_nxt = ack;
    }
}

/* By its fingerprint the copies of a RST are known. */
static void remember_mark(struct tcps_step *step)
{
    step->conn->rarities->rst_mark[step->my_end] = tcps_mark_of(step->seg);
}

/* By `number` what comes after the RST is judged. */
static void remember_reset(struct tcps_step *step, uint32_t number)
{
    step->conn->rarities->rst_seq = number;
    remember_mark(step);
}

/* The same packet captured again. Without IP identification and time stamp it may be the same answer to another
 * segment, as a closed port gives it. */
static bool is_copy_of_reset(const struct tcps_step *step)
{
    const struct tcps_segment *seg = step->seg;

    return (seg->ip_id || seg->has_ts) && step->conn->rarities->rst_mark[step->my_end] == tcps_mark_of(seg);
}

static void close_both(struct tcps_step *step, enum tcps_reason mine, enum tcps_reason peers)
{
    show_open(step);
    show_fin_taken(step);
    take_back_crossing(step);
    note_ack_of_reset(step);
    remember_reset(step, step->seg->seq);
    /* A listener that rejects a stray segment goes on listening. */
    if (!tcps_has(step->me, TCPS_OLD_LIFE) && (peers == TCPS_WHY_REFUSED || step->me->state != TCPS_LISTEN)) {
        step->me->known |= TCPS_RST_MADE;
        tcps_settle(step, step->my_end, mine);
    }
    step->peer->known |= TCPS_RST_GOT;
    tcps_settle(step, step->peer_end, peers);
}

/* A client in SYN_SENT rejects what is not for it - a bad SYN,ACK, an old connection's challenge ACK - with a RST that
 * takes its number from there, and goes on. Only ISS+1, or up to the end of the SYN's data, means that no socket is
 * left (REAL-STACKS 9). A listener does the same to a wrong third ACK. */
static bool keeps_sender(const struct tcps_step *step)
{
    const struct tcps_endpoint *me = step->me;

    if (step->seg->flags & TCPS_ACK) return false;
    if (tcps_only_syn_sent(me)) return !tcps_is_past_syn(me, step->seg->seq);
    return tcps_has(me, TCPS_SENT_SYNACK) && !tcps_is_open(me) && step->seg->seq != me->snd_nxt;
}

/* A second SYN reached a half-open listener: it resets that SYN and drops the request (REAL-STACKS 11). */
static bool drops_request(const struct tcps_step *step)
{
    const struct tcps_conn *conn = step->conn;

    return conn->candidate_waits && (step->seg->flags & TCPS_ACK) &&
           (conn->rarities->waiting->syn.from & 1u) == step->peer_end &&
           step->seg->ack == conn->rarities->waiting->syn.seq + tcps_segment_space(&conn->rarities->waiting->syn) &&
           tcps_has(step->me, TCPS_LISTENS | TCPS_SENT_SYNACK) && !tcps_is_open(step->me);
}

static void drop_request(struct tcps_step *step)
{
    step->conn->candidate_waits = 0;
    /* The RST has a number of its own; any ACK of the old SYN,ACK is beyond this one. */
    remember_reset(step, step->me->iss);
    step->me->known |= TCPS_RST_GOT;
    tcps_settle(step, step->my_end, TCPS_WHY_BACK_TO_LISTEN);
    /* Its sender is refused - if that was the client itself, trying anew. If not, it will send on. */
    step->peer->known |= TCPS_RST_GOT;
    tcps_settle(step, step->peer_end, TCPS_WHY_REFUSED);
}

/* What a RST that counts does to the peer. */
static enum tcps_reason closes_or_listens(const struct tcps_step *step)
{
    return tcps_returns_to_listen(step->peer) ? TCPS_WHY_BACK_TO_LISTEN : TCPS_WHY_RST_TAKEN;
}

static void reject_other(struct tcps_step *step)
{
    tcps_verdict(step, step->my_end, TCPS_WHY_RST_KEEPS_SENDER);
    if (!tcps_has(step->peer, TCPS_OLD_LIFE) || judge_number(step) != EXACT) return;
    remember_mark(step);
    step->peer->known |= TCPS_RST_GOT;
    tcps_settle(step, step->peer_end, closes_or_listens(step));
}

static void reset_syn_sent(struct tcps_step *step)
{
    bool listened = step->me->state == TCPS_LISTEN;

    if (refuses(step))
        close_both(step, listened ? TCPS_WHY_NOT_LISTENING : TCPS_WHY_RST_SENT, TCPS_WHY_REFUSED);
    else
        tcps_verdict(step, step->peer_end, TCPS_WHY_RST_NOT_FOR_SYN);
}

/* The SYN's sender resets before anything answered: no socket is left there. */
static void withdraw(struct tcps_step *step)
{
    if (!tcps_is_past_syn(step->me, step->seg->seq)) {
        tcps_verdict(step, step->my_end, TCPS_WHY_RST_KEEPS_SENDER);
        return;
    }
    if (step->seg->flags & TCPS_ACK) { /* an open socket's: the SYN,ACK was not captured */
        step->me->known |= TCPS_SYNCHRONIZED;
        tcps_settle(step, step->my_end, TCPS_WHY_SYN_TAKEN);
    }
    remember_reset(step, step->seg->seq);
    step->me->known |= TCPS_RST_MADE;
    tcps_settle(step, step->my_end, TCPS_WHY_RST_SENT);
}

static void reset_synchronized(struct tcps_step *step)
{
    bool half_open = tcps_has(step->peer, TCPS_LISTENS | TCPS_SENT_SYNACK) && !tcps_is_open(step->peer);
    enum judgement judgement = judge_number(step);

    if (half_open && has_wrong_ack(step)) judgement = OUTSIDE;
    switch (judgement) {
    case EXACT: close_both(step, TCPS_WHY_RST_SENT, closes_or_listens(step)); break;
    case IN_WINDOW:
        show_fin_taken(step);
        step->peer->known |= TCPS_CHALLENGE_DUE;
        tcps_verdict(step, step->peer_end, TCPS_WHY_RST_IN_WINDOW);
        break;
    case OUTSIDE: tcps_verdict(step, step->peer_end, TCPS_WHY_RST_OUTSIDE); break;
    }
}

/* The receiver is closed already. The RST still tells of its sender: an endpoint that answers so has no socket left,
 * whether it was in TIME_WAIT, FIN_WAIT_2 or anywhere else. */
static void reset_closed(struct tcps_step *step)
{
    unsigned mine = step->me->state;

    tcps_verdict(step, step->peer_end, TCPS_WHY_RST_REPEATED);
    remember_mark(step);
    if (mine == TCPS_CLOSED || mine == TCPS_LISTEN || judge_number(step) != EXACT) return;
    remember_reset(step, step->seg->seq);
    step->me->known |= TCPS_RST_MADE;
    tcps_settle(step, step->my_end, TCPS_WHY_RST_SENT);
}

TCPS_RARE void tcps_take_reset(struct tcps_step *step)
{
    const struct tcps_endpoint *me = step->me, *peer = step->peer;

    if (!tcps_rarities_of(step->conn, step->memory)) return; /* no memory for what the RST would have to be judged by */
    if (is_copy_of_reset(step)) {
        tcps_verdict(step, step->my_end, TCPS_WHY_COPY);
        return;
    }
    if (tcps_believe_fin_by_hole(step)) tcps_settle(step, step->peer_end, TCPS_WHY_NONE);
    if (drops_request(step))
        drop_request(step);
    else if (keeps_sender(step))
        reject_other(step);
    else if (tcps_only_syn_sent(me) && !tcps_has(peer, TCPS_HAS_NUMBERS))
        withdraw(step);
    else if (peer->state == TCPS_CLOSED)
        reset_closed(step);
    else if (tcps_only_syn_sent(peer))
        reset_syn_sent(step);
    else
        reset_synchronized(step);
}

/* ---- after it ---- */

/* Could `me` not have sent this before the RST? As its maker: octets or acknowledgements beyond what it had sent by
 * then, not a FIN that was captured before. As its receiver: an ACK beyond the RST's own number, or anything once the
 * maker is known to be alive. */
TCPS_RARE void tcps_judge_life_after_reset(struct tcps_step *step)
{
    struct tcps_endpoint *me = step->me;
    const struct tcps_endpoint *peer = step->peer;
    const struct tcps_segment *seg = step->seg;
    uint32_t rst_seq = step->conn->rarities ? step->conn->rarities->rst_seq : 0;
    bool alive;

    if ((seg->flags & TCPS_FIN) && tcps_is_stale(step)) return;
    if (tcps_has(peer, TCPS_HAS_NUMBERS) && seq_gt(seg->ack, peer->snd_nxt)) return; /* it proves nothing itself */
    if (tcps_has(me, TCPS_RST_MADE)) {
        uint32_t end = seg->seq + tcps_segment_space(seg);
        uint32_t sent = rst_seq;

        /* A bare RST has its number from what it answers, not from what its sender has sent. */
        if (tcps_has(me, TCPS_HAS_NUMBERS) && !(seg->flags & TCPS_FIN)) sent = seq_max(sent, me->snd_nxt);

        alive = (tcps_segment_space(seg) > 0 && seq_gt(end, sent)) || !tcps_has(me, TCPS_HAS_RCV) ||
                seq_gt(seg->ack, me->rcv_nxt);
    } else {
        alive = seq_gt(seg->ack, rst_seq) || (!tcps_has(peer, TCPS_RST_MADE) && !tcps_has(peer, TCPS_RST_GOT));
    }
    if (!alive) return;
    me->known &= ~(uint32_t)(TCPS_RST_MADE | TCPS_RST_GOT);
    tcps_settle(step, step->my_end, TCPS_WHY_ALIVE_AFTER_RST);
}
