/* FIN: whether its receiver takes it, where it stands if it was not captured, and its retransmission (RFC 9293 3.6).
 * See evidence.h. Look next: ordinary.c, which feeds it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "evidence.h"

#include "seq.h"

/* ---- a FIN that waits for a witness ---- */

/* The FIN may be good or not: the peer's ACK will show. */
TCPS_RARE void tcps_doubt_fin(struct tcps_endpoint *me, const struct tcps_segment *seg)
{
    me->known |= TCPS_FIN_DOUBTED;
    me->fin = seg->seq + seg->len;
    me->fin_ack = seg->ack;
}

/* The receiver acknowledges data beyond the FIN, which its sender was seen to send: that FIN was forged or corrupt. */
bool tcps_disproves_fin(struct tcps_step *step)
{
    struct tcps_endpoint *peer = step->peer;
    uint32_t sent = tcps_doubt_of(step, step->peer_end);

    if (!tcps_has(peer, TCPS_HAS_DOUBT) || seq_leq(sent, peer->fin)) return false;
    if (!seq_between(peer->fin + 2, step->seg->ack, sent)) return false;
    peer->known &= ~(uint32_t)(TCPS_HAS_FIN | TCPS_FIN_UNSEEN);
    peer->snd_nxt = sent;
    step->me->known &= ~(uint32_t)TCPS_FIN_CROSSED;
    tcps_settle(step, step->my_end, TCPS_WHY_FIN_DISPROVED);
    tcps_settle(step, step->peer_end, TCPS_WHY_FIN_DISPROVED);
    return true;
}

TCPS_RARE void tcps_doubt_first_fin(struct tcps_step *step)
{
    uint32_t fin = step->seg->seq + step->seg->len;

    if (!tcps_fin_acked(step->me) && seq_lt(fin, step->me->fin)) tcps_doubt(step, step->my_end, fin);
}

void tcps_choose_lower_fin(struct tcps_step *step)
{
    struct tcps_endpoint *peer = step->peer;
    uint32_t ack = step->seg->ack;

    if (!tcps_has(peer, TCPS_HAS_FIN | TCPS_HAS_DOUBT) || tcps_fin_acked(peer)) return;
    if (ack != tcps_doubt_of(step, step->peer_end) + 1 || seq_gt(ack, peer->fin)) return;
    peer->fin = ack - 1;
    peer->fin_ack = peer->rcv_nxt;
    peer->known &= ~(uint32_t)TCPS_HAS_DOUBT;
}

TCPS_RARE void tcps_believe_doubted_fin(struct tcps_endpoint *peer)
{
    peer->known |= TCPS_HAS_FIN | TCPS_SYNCHRONIZED;
    peer->known &= ~(uint32_t)TCPS_FIN_DOUBTED;
    peer->snd_nxt = seq_max(peer->snd_nxt, peer->fin + 1);
    peer->rcv_nxt = peer->fin_ack;
    if (!tcps_has(peer, TCPS_HAS_RCV)) peer->rcv_edge = peer->rcv_nxt + TCPS_MAX_WINDOW;
    peer->known |= TCPS_HAS_RCV;
}

bool tcps_has_doubted_fin(const struct tcps_endpoint *endpoint)
{
    return tcps_has(endpoint, TCPS_FIN_DOUBTED) && !tcps_has(endpoint, TCPS_HAS_FIN);
}

bool tcps_believe_fin_by_hole(struct tcps_step *step)
{
    struct tcps_endpoint *me = step->me, *peer = step->peer;
    uint32_t seq = step->seg->seq;

    if (!tcps_has_doubted_fin(peer) || !tcps_has(me, TCPS_HAS_NUMBERS)) return false;
    if (seq != peer->fin_ack || seq_leq(seq, me->snd_nxt)) return false;
    tcps_believe_doubted_fin(peer);
    return true;
}

/* ---- a FIN that was not captured ---- */

/* Its FIN is captured late after all: what it says itself is better than what was assumed. If it does not acknowledge
 * the peer's FIN, as the usual close would, the FINs crossed, and what was built on that acknowledgement falls. So it
 * does if it sends data where its FIN was assumed. */
TCPS_RARE void tcps_forget_unseen_fin(struct tcps_step *step)
{
    struct tcps_endpoint *me = step->me, *peer = step->peer;
    bool passive = tcps_is_passive(me, peer);

    me->known &= ~(uint32_t)(TCPS_HAS_FIN | TCPS_FIN_UNSEEN);
    if (me->snd_nxt == me->fin + 1) me->known |= TCPS_NXT_IS_BARE;
    if (!passive || (seq_gt(step->seg->ack, peer->fin) && (step->seg->flags & TCPS_FIN))) return;
    if ((!tcps_has(me, TCPS_HAS_RCV) || seq_leq(me->rcv_nxt, peer->fin)) && tcps_fin_acked(peer))
        peer->snd_una = peer->fin;
    tcps_settle(step, step->my_end, TCPS_WHY_FIN_NOT_AS_ASSUMED);
    tcps_settle(step, step->peer_end, TCPS_WHY_FIN_NOT_AS_ASSUMED);
}

/* An ACK of one octet more than is known may be that of a FIN which was not captured: nobody sends one octet and then
 * waits, but everybody closes once (REAL-STACKS 18, 31). */
void tcps_guess_fin(struct tcps_step *step)
{
    struct tcps_endpoint *peer = step->peer;
    const struct tcps_segment *seg = step->seg;

    if (tcps_has(peer, TCPS_HAS_FIN) || seq_leq(seg->ack, peer->snd_nxt)) return;
    if (tcps_has(peer, TCPS_PRESUMED_OPEN) && !tcps_has(peer, TCPS_SEEN)) return; /* nothing of it is known at all */
    peer->known &= ~(uint32_t)TCPS_FIN_GUESSED;
    if (seg->ack != peer->snd_nxt + 1 || tcps_has(peer, TCPS_FIN_DOUBTED)) return;
    if (seg->len && !tcps_has(peer, TCPS_SEEN)) return;
    peer->fin = peer->snd_nxt;
    peer->known |= TCPS_FIN_GUESSED;
}

/* The same of a bare segment one octet further than its sender was seen to send (REAL-STACKS 18). */
void tcps_guess_own_fin(struct tcps_endpoint *me, const struct tcps_segment *seg)
{
    me->known &= ~(uint32_t)TCPS_FIN_GUESSED;
    if (seg->len || seg->seq != me->snd_nxt + 1 || !tcps_has(me, TCPS_SEEN)) return;
    if (me->known & (TCPS_HAS_FIN | TCPS_FIN_DOUBTED | TCPS_NXT_IS_BARE)) return;
    me->fin = me->snd_nxt;
    me->known |= TCPS_FIN_GUESSED;
}

/* The guess is believed once `me` has sent its own FIN as well: both close, and no octet of data stands there. */
void tcps_believe_guessed_fin(struct tcps_step *step)
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

/* ---- its retransmission ---- */

/* Does a later segment of `me` prove that the ACK of its FIN did arrive? It does if it acknowledged the peer's FIN,
 * which carried that ACK. */
bool tcps_fin_ack_is_proven(const struct tcps_endpoint *me, const struct tcps_endpoint *peer)
{
    return tcps_has(peer, TCPS_HAS_FIN) && tcps_is_passive(peer, me) && tcps_has(me, TCPS_HAS_RCV) &&
           seq_gt(me->rcv_nxt, peer->fin) && tcps_has(me, TCPS_HAS_FIN);
}

TCPS_RARE void tcps_repeat_fin(struct tcps_step *step)
{
    struct tcps_endpoint *me = step->me;

    if (tcps_dismisses_stale(step, TCPS_WHY_FIN_REPEATED)) return;
    me->mark = tcps_mark_of(step->seg);
    if (!tcps_fin_acked(me) || tcps_fin_ack_is_proven(me, step->peer)) {
        tcps_verdict(step, step->my_end, TCPS_WHY_FIN_REPEATED);
        return;
    }
    me->snd_una = me->fin; /* rule 3 */
    me->known &= ~(uint32_t)TCPS_FIN_CROSSED;
    tcps_settle(step, step->my_end, TCPS_WHY_FIN_AGAIN);
}

/* ---- a FIN that is there ---- */

/* An ACK below SND.UNA - MAX.SND.WND comes from no honest sender (RFC 5961 5). */
static bool is_ack_too_old(const struct tcps_endpoint *me, const struct tcps_endpoint *peer, uint32_t ack)
{
    uint32_t window = 65535;

    if (tcps_has(me, TCPS_HAS_RCV) && me->rcv_edge - me->rcv_nxt > window) window = me->rcv_edge - me->rcv_nxt;
    return tcps_has(peer, TCPS_HAS_NUMBERS) && seq_lt(ack, peer->snd_una - window);
}

/* Why the FIN's receiver would drop it (RFC 9293 3.10.7.4, RFC 7323 5.3), or TCPS_WHY_NONE. `ack_ahead`: its ACK is
 * ahead of what the peer was seen to send. */
enum tcps_reason tcps_fin_defect(const struct tcps_step *step, bool ack_ahead)
{
    const struct tcps_endpoint *me = step->me, *peer = step->peer;
    const struct tcps_segment *seg = step->seg;
    uint32_t fin = seg->seq + seg->len;

    /* One octet more is known to be sent, but not what it is: it is the FIN. */
    if (seq_gt(me->snd_nxt, fin) && !(tcps_has(me, TCPS_NXT_IS_BARE) && me->snd_nxt == fin + 1))
        return TCPS_WHY_FIN_ELSEWHERE;
    if (tcps_has(peer, TCPS_HAS_RCV) && !tcps_is_unconfirmed(peer, me) && seq_gt(peer->rcv_nxt, fin + 1))
        return TCPS_WHY_FIN_ELSEWHERE;
    /* What a receiver holds as TS.Recent is known of one that was captured. */
    if (tcps_has(peer, TCPS_HAS_RCV) && tcps_is_overtaken(seg, peer)) return TCPS_WHY_OLD_TIMESTAMP;
    if (is_ack_too_old(me, peer, seg->ack)) return TCPS_WHY_ACKS_OLD;
    /* Octets that nobody saw: a forger's guess - unless an earlier segment acknowledged them too, and the capture has a
     * hole. */
    if (ack_ahead && tcps_has(peer, TCPS_SEEN) && !(tcps_has(me, TCPS_HAS_RCV) && me->rcv_nxt == seg->ack))
        return TCPS_WHY_ACKS_UNSENT;
    return TCPS_WHY_NONE;
}

TCPS_RARE bool tcps_believe_early_fin(struct tcps_step *step)
{
    struct tcps_endpoint *me = step->me;
    const struct tcps_segment *seg = step->seg;
    struct tcps_rarities *rare = tcps_rarities_of(step->conn, step->memory);

    if (!rare || !tcps_has_doubted_fin(me) || me->fin_ack != seg->ack) return false;
    /* No further than the window of a SYN, which has no scale (RFC 7323 2.2). */
    if (!seq_between(seg->seq + 1, me->fin, seg->seq + 1 + 65535)) return false;
    me->known |= TCPS_HAS_FIN | TCPS_HAS_HOLE;
    me->known &= ~(uint32_t)TCPS_FIN_DOUBTED;
    me->snd_nxt = me->fin + 1;
    rare->hole_start[step->my_end] = seg->seq + 1;
    rare->hole_end[step->my_end] = me->snd_nxt;
    return true;
}

/* Is `number` one of the octets that `me` sent, or seems to have sent, and that were not captured? */
static bool is_in_hole(const struct tcps_step *step, uint32_t number)
{
    const struct tcps_rarities *rare = step->conn->rarities;

    return tcps_has_open_hole(step->conn, step->my_end) &&
           seq_between(rare->hole_start[step->my_end], number, rare->hole_end[step->my_end] - 1);
}

/* Returns false if the FIN is one that its receiver drops. */
bool tcps_take_fin(struct tcps_step *step, enum tcps_reason defect)
{
    struct tcps_endpoint *me = step->me;
    const struct tcps_segment *seg = step->seg;
    uint32_t fin = seg->seq + seg->len;

    if (defect) {
        /* What stood beyond it may be the forgery: the peer's ACK will show - unless data were captured in its place,
         * which that ACK covers. */
        if ((!tcps_has(step->peer, TCPS_HAS_RCV) || tcps_is_unconfirmed(step->peer, me) ||
             seq_leq(step->peer->rcv_nxt, fin)) &&
            (defect != TCPS_WHY_FIN_ELSEWHERE || is_in_hole(step, fin)))
            tcps_doubt_fin(me, seg);
        tcps_verdict(step, step->my_end, defect);
        return false;
    }
    me->known |= TCPS_HAS_FIN;
    /* Nothing is known beyond it. */
    me->known &= ~(uint32_t)(TCPS_FIN_DOUBTED | TCPS_FIN_GUESSED | TCPS_HAS_DOUBT);
    me->fin = fin;
    me->fin_ack = seg->ack;
    me->mark = tcps_mark_of(seg);
    return true;
}
