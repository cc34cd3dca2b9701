/* Segments without SYN and RST: are they to be believed, and what do they prove? See evidence.h.
 * Look next: fin.c and numbers.c, for the facts that they fill in.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "evidence.h"

#include "seq.h"

/* So many segments of one end must agree on far-off numbers before they are believed without the peer's witness. */
enum { WITNESSES = 3 };

/* After so many retractions a bare ACK no longer opens a server: its accept queue is full (REAL-STACKS 27). */
enum { TRUSTED_RETRACTIONS = 2 };

/* ---- is the segment to be believed? ---- */

/* A segment far beyond the window: a forgery, or the first one after a hole in the capture. It is believed when the
 * peer's numbers agree or when more of the same follow. */
static TCPS_RARE bool is_believed_at_last(struct tcps_step *step)
{
    struct tcps_endpoint *me = step->me, *peer = step->peer;
    const struct tcps_segment *seg = step->seg;
    uint32_t peers = tcps_doubt_of(step, step->peer_end);
    bool peer_agrees = peer->doubts > 0 && seq_leq(seg->ack, peers) && seq_diff(peers, seg->ack) < INT32_C(1) << 20;

    if (me->doubts > 0 && seg->seq == tcps_doubt_of(step, step->my_end))
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

static bool is_seq_far(const struct tcps_step *step)
{
    return tcps_has(step->me, TCPS_HAS_NUMBERS) && !seq_near(step->seg->seq, step->me->snd_nxt);
}

static bool is_ack_far(const struct tcps_step *step)
{
    return tcps_has(step->peer, TCPS_HAS_NUMBERS) && !seq_near(step->seg->ack, step->peer->snd_nxt);
}

/* A number below the SYN is of a connection before, while fewer than 2^30 octets went by. */
static bool is_before_syn(const struct tcps_endpoint *endpoint, uint32_t number)
{
    return tcps_has(endpoint, TCPS_HAS_ISS) && endpoint->snd_nxt - endpoint->iss < UINT32_C(1) << 30 &&
           seq_lt(number, endpoint->iss);
}

static bool is_plausible(struct tcps_step *step)
{
    const struct tcps_endpoint *me = step->me, *peer = step->peer;
    const struct tcps_segment *seg = step->seg;

    if (is_seq_far(step) || is_ack_far(step) || is_before_syn(me, seg->seq) || is_before_syn(peer, seg->ack)) {
        tcps_verdict(step, step->my_end, TCPS_WHY_IMPLAUSIBLE);
        return false;
    }
    if (!is_outside_window(peer, seg)) {
        step->me->doubts = 0;
    } else if (!is_believed_at_last(step)) {
        if ((seg->flags & TCPS_FIN) && !tcps_has(me, TCPS_HAS_FIN)) tcps_doubt_fin(step->me, seg);
        tcps_verdict(step, step->my_end, TCPS_WHY_OUTSIDE_WINDOW);
        return false;
    }
    if (tcps_has(peer, TCPS_HAS_FIN) && seq_gt(seg->ack, peer->fin + 1) && !tcps_disproves_fin(step)) {
        tcps_verdict(step, step->my_end, TCPS_WHY_ACKS_BEYOND_FIN);
        return false;
    }
    /* In SYN_RECEIVED nothing was sent but the SYN: another ACK is wrong, and answered by RST (RFC 9293 3.10.7.4). */
    if (tcps_has(peer, TCPS_SENT_SYNACK) && !tcps_is_open(peer) && !tcps_covers_syn(peer, seg->ack)) {
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
    if (tcps_has(me, TCPS_OLD_LIFE)) return tcps_answers_syn(step);
    if (tcps_has(peer, TCPS_HAS_ISS) && !tcps_has(me, TCPS_HAS_NUMBERS) && !tcps_has(me, TCPS_PRESUMED_OPEN))
        return tcps_answers_syn(step);
    if (tcps_only_syn_sent(me) && (is_seq_far(step) || !tcps_takes_synack(step))) {
        if ((step->seg->flags & TCPS_FIN) && !is_seq_far(step) && !is_ack_far(step)) tcps_doubt_fin(me, step->seg);
        tcps_verdict(step, step->my_end, TCPS_WHY_ACKS_UNSENT);
        return false;
    }
    return is_plausible(step);
}

/* ---- what it proves ---- */

/* Does the segment show that `me` is past SYN_RECEIVED? A bare ACK with its first number does not: a challenge ACK is
 * sent from SYN_RECEIVED too; and a Fast Open server sends data before (RFC 7413 4.2). */
static bool proves_synchronized(const struct tcps_step *step)
{
    const struct tcps_endpoint *me = step->me;
    const struct tcps_segment *seg = step->seg;

    if (!tcps_has(me, TCPS_SENT_SYNACK)) return true;
    if (tcps_has(me, TCPS_FAST_OPEN) || tcps_has(step->peer, TCPS_ASKS_FAST_OPEN))
        return tcps_has(me, TCPS_SYN_ACKED) && seq_gt(seg->ack, me->rcv_nxt);
    if (tcps_has(me, TCPS_HAS_RCV) && seq_gt(seg->ack, me->rcv_nxt)) return true;
    return seg->len > 0 || (seg->flags & TCPS_FIN) || seq_gt(seg->seq, me->iss + 1);
}

static void take_snd_nxt(struct tcps_endpoint *me, const struct tcps_segment *seg)
{
    uint32_t end = seg->seq + seg->len;

    if (seg->len && end == me->snd_nxt) me->known &= ~(uint32_t)(TCPS_NXT_IS_BARE | TCPS_FIN_GUESSED); /* it was data */
    if (seq_leq(end, me->snd_nxt)) return;
    tcps_guess_own_fin(me, seg);
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

static void take_sending(struct tcps_step *step)
{
    struct tcps_endpoint *me = step->me;
    const struct tcps_segment *seg = step->seg;
    uint32_t end = seg->seq + seg->len;

    if (!tcps_has(me, TCPS_HAS_NUMBERS)) {
        tcps_start_numbers(step, me, seg->seq - 1, seg->seq);
        if (tcps_segment_space(seg) == 0) me->known |= TCPS_NXT_IS_BARE;
        if (tcps_has(me, TCPS_LISTENS)) me->known |= TCPS_SENT_SYNACK | TCPS_SYN_ACKED; /* its SYN,ACK was missed */
    }
    if (proves_synchronized(step)) prove_open(step);
    if (tcps_has(me, TCPS_FIN_UNSEEN) && seg->len > 0 && seq_gt(end, me->fin))
        tcps_forget_unseen_fin(step); /* it was data */
    if (tcps_has(me, TCPS_HAS_FIN) && seg->len > 0 && seq_gt(end, me->fin)) {
        tcps_doubt(step, step->my_end, end);
        tcps_verdict(step, step->my_end, TCPS_WHY_DATA_BEYOND_FIN);
        return;
    }
    tcps_take_hole(step);
    take_snd_nxt(me, seg);
    /* Octets where a doubted FIN stood: it was none. */
    if (tcps_has(me, TCPS_FIN_DOUBTED) && seq_gt(end, me->fin) && seg->len > 0)
        me->known &= ~(uint32_t)TCPS_FIN_DOUBTED;
    if (seg->len && !me->first_data) me->first_data = seg->at.frame;
    if (!seg->len && !me->first_ack && !(seg->flags & TCPS_FIN)) me->first_ack = seg->at.frame;
}

/* The peer's handshake was not captured, or not in full: the ACK implies it. */
static void imply_peer(struct tcps_step *step)
{
    struct tcps_endpoint *peer = step->peer;
    const struct tcps_segment *seg = step->seg;

    if (!tcps_has(peer, TCPS_HAS_NUMBERS)) {
        tcps_start_numbers(step, peer, seg->ack - 1, seg->ack);
        if (tcps_has(peer, TCPS_LISTENS)) {
            peer->known |= TCPS_SENT_SYNACK | TCPS_HAS_ISS | TCPS_SYN_ACKED;
            step->implied = true;
        } else {
            peer->known |= TCPS_NXT_IS_BARE;
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
    if (tcps_has(peer, TCPS_HAS_RCV) && tcps_has(peer, TCPS_SEEN) && !tcps_is_unconfirmed(peer, me) &&
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
    tcps_choose_lower_fin(step);
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

/* The peer has closed and `me` sends on, for 2^31 octets perhaps: then the number that the peer's FIN acknowledged
 * would seem to lie ahead of the FIN of `me`. It need only stay behind it. */
static void keep_fin_ack_behind(const struct tcps_endpoint *me, struct tcps_endpoint *peer)
{
    const uint32_t far = UINT32_C(1) << 30;

    if (!tcps_has(peer, TCPS_HAS_FIN) || tcps_has(me, TCPS_HAS_FIN)) return;
    if (me->snd_nxt - peer->fin_ack > far && seq_gt(me->snd_nxt, peer->fin_ack)) peer->fin_ack = me->snd_nxt - far;
}

/* ---- all of it ---- */

static bool note_challenge(struct tcps_step *step)
{
    if (!tcps_has(step->me, TCPS_CHALLENGE_DUE)) return false;
    step->me->known &= ~(uint32_t)TCPS_CHALLENGE_DUE;
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

    if (fin && tcps_has(me, TCPS_FIN_UNSEEN)) tcps_forget_unseen_fin(step);
    fin_is_new = fin && !tcps_has(me, TCPS_HAS_FIN);
    if (fin_is_new && tcps_has(me, TCPS_HAS_NUMBERS) && !tcps_take_fin(step, tcps_fin_defect(step, ack_ahead)))
        return false;
    if (fin && !fin_is_new && seg->seq + seg->len != me->fin) {
        tcps_doubt_first_fin(step);
        tcps_verdict(step, step->my_end, TCPS_WHY_FIN_ELSEWHERE);
        return false;
    }
    if (!tcps_has(me, TCPS_SEEN)) me->known &= ~(uint32_t)TCPS_FIN_GUESSED; /* what it sent before, nobody knows */
    me->known |= TCPS_SEEN;
    tcps_believe_fin_by_hole(step);
    take_sending(step);
    keep_fin_ack_behind(me, peer);
    if (fin_is_new && !tcps_has(me, TCPS_HAS_FIN)) tcps_take_fin(step, TCPS_WHY_NONE); /* its very first segment */
    if (fin) me->snd_nxt = seq_max(me->snd_nxt, me->fin + 1);
    /* Captured behind the FIN that acknowledges it, which was doubted for that. */
    if (fin_is_new && tcps_has_doubted_fin(peer) && peer->fin_ack == me->snd_nxt) tcps_believe_doubted_fin(peer);
    /* Its ACK was captured before it (SPAN ports reorder). */
    if (fin_is_new && tcps_has(peer, TCPS_HAS_RCV) && peer->rcv_nxt == me->snd_nxt) me->snd_una = me->snd_nxt;
    tcps_take_timestamp(peer, seg);
    tcps_take_rcv(me, peer, seg);
    imply_peer(step);
    tcps_guess_fin(step);
    take_ack_effect(step);
    tcps_believe_guessed_fin(step);
    /* Every copy of the peer's FIN acknowledged mine: who has received it knows. */
    if (tcps_fin_ack_is_proven(me, peer)) me->snd_una = seq_max(me->snd_una, me->fin + 1);
    return true;
}

/* What only an open endpoint sends - a FIN, or the answer to a SYN,ACK, which shows it to be open - was sent before the
 * RST came, if it came: the RST that answers it will tell. But a FIN that is older than what the RST answered changes
 * nothing: that RST is on its way. */
static bool was_sent_before_reset(const struct tcps_step *step, bool repeats_fin)
{
    const struct tcps_endpoint *me = step->me;

    if (!tcps_has(me, TCPS_RST_GOT)) return false;
    if (tcps_only_syn_sent(me) && tcps_has(step->peer, TCPS_SENT_SYNACK)) return true;
    if (!(step->seg->flags & TCPS_FIN)) return false;
    if (tcps_has(me, TCPS_HAS_FIN)) return repeats_fin && !tcps_is_stale(step);
    return !tcps_has(me, TCPS_HAS_RCV) || seq_geq(step->seg->ack, me->rcv_nxt);
}

void tcps_take_ordinary(struct tcps_step *step)
{
    const struct tcps_segment *seg = step->seg;
    struct tcps_endpoint *me = step->me;
    bool repeats = (seg->flags & TCPS_FIN) && tcps_has(me, TCPS_HAS_FIN) && !tcps_has(me, TCPS_FIN_UNSEEN) &&
                   seg->seq + seg->len == me->fin;
    uint32_t known[2];

    if (!is_believed(step)) return;
    if (me->known & (TCPS_RST_GOT | TCPS_RST_MADE)) {
        tcps_judge_life_after_reset(step);
        if (was_sent_before_reset(step, repeats)) {
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
    if (repeats) tcps_repeat_fin(step);
}
