/* SYN and SYN,ACK, and what answers them: the opening (RFC 9293 3.5). See evidence.h.
 * Look next: ordinary.c, for the segments that complete it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "evidence.h"

#include "seq.h"

/* The late half of a handshake shows who is who, after the roles were guessed (rule 8). */
static TCPS_RARE void correct_roles(struct tcps_step *step, unsigned client, enum tcps_role_basis basis)
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

    tcps_start_numbers(step, me, seg->seq, seg->seq + 1 + seg->len);
    me->known |= TCPS_SEEN | TCPS_HAS_ISS;
    me->known &= ~(uint32_t)TCPS_LISTENS; /* it opens actively, whatever it was taken for */
    if (seg->fast_open) me->known |= TCPS_ASKS_FAST_OPEN;
    me->mark = tcps_mark_of(seg);
    tcps_take_wscale(me, seg);
    if (!tcps_has(peer, TCPS_OLD_LIFE)) tcps_take_timestamp(peer, seg);
}

static TCPS_RARE void take_syn_again(struct tcps_step *step)
{
    struct tcps_endpoint *me = step->me;

    if (tcps_dismisses_stale(step, TCPS_WHY_SYN_REPEATED)) return;
    me->mark = tcps_mark_of(step->seg);
    if (!step->seg->fast_open) me->known &= ~(uint32_t)TCPS_ASKS_FAST_OPEN; /* it went without (RFC 7413 4.1.3) */
    if (tcps_has(me, TCPS_RST_GOT) && tcps_only_syn_sent(me)) { /* some stacks try a refused SYN three times */
        me->known &= ~(uint32_t)TCPS_RST_GOT;
        tcps_settle(step, step->my_end, TCPS_WHY_SYN_AFTER_RST);
        return;
    }
    tcps_verdict(step, step->my_end, TCPS_WHY_SYN_REPEATED);
}

void tcps_take_syn(struct tcps_step *step)
{
    struct tcps_endpoint *me = step->me;

    if (tcps_has(me, TCPS_HAS_NUMBERS) && me->iss == step->seg->seq) {
        if (!tcps_has(me, TCPS_HAS_ISS)) { /* captured late: the numbers fit what came before */
            me->known |= TCPS_HAS_ISS | TCPS_SEEN;
            correct_roles(step, step->my_end, TCPS_ROLE_syn);
            if (!tcps_is_open(me)) {
                me->mark = tcps_mark_of(step->seg);
                tcps_take_wscale(me, step->seg);
                tcps_settle(step, step->my_end, TCPS_WHY_NONE);
                return;
            }
        }
        take_syn_again(step);
        return;
    }
    if (tcps_has(me, TCPS_HAS_NUMBERS)) {
        step->peer->known |= TCPS_CHALLENGE_DUE;
        tcps_verdict(step, step->my_end, TCPS_WHY_SYN_INSIDE);
        return;
    }
    tcps_take_first_syn(step, step->seg);
    tcps_settle(step, step->my_end, TCPS_WHY_NONE);
    if (step->first_entry == 0) tcps_verdict(step, step->peer_end, TCPS_WHY_ADDRESSED);
}

/* ---- SYN,ACK ---- */

/* What it was in before stays until something is logged. */
static TCPS_RARE void forget_old_life(struct tcps_endpoint *me)
{
    *me = (struct tcps_endpoint){
        .known = TCPS_LISTENS | (me->known & TCPS_CHALLENGE_DUE), .state = me->state, .basis = me->basis};
}

bool tcps_covers_syn(const struct tcps_endpoint *peer, uint32_t ack)
{
    if (tcps_has(peer, TCPS_FIN_DOUBTED) && ack == peer->fin + 1) return true;
    return tcps_is_past_syn(peer, ack);
}

/* Is a RST presumed to have ended what `me` never showed to be open? */
static bool was_reset_half_open(const struct tcps_endpoint *me)
{
    return tcps_has(me, TCPS_RST_GOT | TCPS_SENT_SYNACK) && !(me->known & (TCPS_SYNCHRONIZED | TCPS_HAS_FIN));
}

static TCPS_RARE void repeat_synack(struct tcps_step *step)
{
    struct tcps_endpoint *me = step->me;

    if (tcps_dismisses_stale(step, TCPS_WHY_SYNACK_REPEATED)) return;
    me->mark = tcps_mark_of(step->seg);
    if (was_reset_half_open(me)) { /* rule 3: that RST did not arrive */
        me->known &= ~(uint32_t)TCPS_RST_GOT;
        tcps_settle(step, step->my_end, TCPS_WHY_ALIVE_AFTER_RST);
    }
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
    bool first = !tcps_has(me, TCPS_SENT_SYNACK);

    if (me->known & (TCPS_RST_MADE | TCPS_RST_GOT)) { /* a refusal that it did not send, or did not take */
        me->known &= ~(uint32_t)(TCPS_RST_MADE | TCPS_RST_GOT);
        tcps_settle(step, step->my_end, TCPS_WHY_ALIVE_AFTER_RST);
    }
    if (!tcps_has(me, TCPS_HAS_ISS)) {
        tcps_start_numbers(step, me, seg->seq, seg->seq + 1 + seg->len);
        me->known |= TCPS_HAS_ISS;
    }
    me->known |= TCPS_SEEN | TCPS_SENT_SYNACK;
    me->mark = tcps_mark_of(seg);
    tcps_take_wscale(me, seg);
    tcps_take_rcv(me, peer, seg);
    tcps_take_timestamp(peer, seg);
    /* It took data of the SYN (RFC 7413 3). What the first SYN,ACK was is told of all packets, in every pass. */
    if (first && seq_gt(seg->ack, peer->iss + 1)) me->known |= TCPS_FAST_OPEN;
    peer->known |= TCPS_SYN_ACKED;
    peer->snd_una = seg->ack;
    tcps_settle(step, step->my_end, TCPS_WHY_NONE);
    if (tcps_has(me, TCPS_FAST_OPEN) && tcps_believe_early_fin(step))
        tcps_settle(step, step->my_end, TCPS_WHY_FIN_BELIEVED);
    tcps_settle(step, step->peer_end, TCPS_WHY_NONE);
}

/* A SYN,ACK with another number than the first one. */
static TCPS_RARE void take_other_synack(struct tcps_step *step)
{
    struct tcps_endpoint *me = step->me;
    uint32_t iss = step->seg->seq;

    if (was_reset_half_open(me) && tcps_has(me, TCPS_LISTENS)) { /* back in LISTEN it got a late copy of the SYN */
        me->known &= ~(uint32_t)(TCPS_RST_GOT | TCPS_SYN_ACKED);
        tcps_start_numbers(step, me, iss, iss + 1 + step->seg->len);
        take_new_synack(step);
        return;
    }
    if (tcps_is_open(me)) {
        tcps_verdict(step, step->my_end, TCPS_WHY_SYNACK_INSIDE);
        return;
    }
    tcps_doubt(step, step->my_end, iss);
    if (tcps_has(me, TCPS_HAS_DOUBT)) me->known |= TCPS_ALT_ISS;
    tcps_verdict(step, step->my_end, TCPS_WHY_SYNACK_CHANGED);
}

void tcps_take_synack(struct tcps_step *step)
{
    struct tcps_endpoint *me = step->me, *peer = step->peer;
    const struct tcps_segment *seg = step->seg;

    /* The SYN it answers was not captured, or not yet (SPAN ports reorder). Nor need its alleged sender exist: only a
     * segment of its own will show it (backscatter). */
    if (!tcps_has(peer, TCPS_HAS_NUMBERS)) tcps_start_numbers(step, peer, seg->ack - 1, seg->ack);
    if (tcps_has(me, TCPS_OLD_LIFE) && tcps_covers_syn(peer, seg->ack))
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
    if (!tcps_covers_syn(peer, seg->ack)) {
        tcps_verdict(step, step->my_end, TCPS_WHY_SYNACK_WRONG_ACK);
        return;
    }
    if (tcps_has(me, TCPS_HAS_NUMBERS) && me->iss != seg->seq)
        take_other_synack(step);
    else
        take_new_synack(step);
}

/* ---- the segment that answers ---- */

/* The first segment of `me` answers the peer's SYN without SYN: an old connection's challenge ACK - or the SYN,ACK was
 * not captured, and this is data. Returns whether it is believed. */
TCPS_RARE bool tcps_answers_syn(struct tcps_step *step)
{
    const struct tcps_endpoint *peer = step->peer;
    const struct tcps_segment *seg = step->seg;
    bool bare = seg->len == 0 && !(seg->flags & TCPS_FIN);

    /* A Fast Open server sends data in SYN_RECEIVED already; its SYN,ACK may have been lost. */
    if (!tcps_has(step->me, TCPS_OLD_LIFE) && tcps_only_syn_sent(peer) && tcps_covers_syn(peer, seg->ack) &&
        seq_gt(peer->snd_nxt, peer->iss + 1)) {
        if (seg->flags & TCPS_FIN) tcps_doubt_fin(step->me, seg); /* the SYN,ACK will tell */
        tcps_verdict(step, step->my_end, TCPS_WHY_EARLY_DATA);
        return false;
    }
    /* An old life would acknowledge the old numbers: the SYN,ACK of the new one was not captured. */
    if (tcps_has(step->me, TCPS_OLD_LIFE) && tcps_covers_syn(peer, seg->ack)) forget_old_life(step->me);
    if (tcps_has(step->me, TCPS_OLD_LIFE) || !tcps_covers_syn(peer, seg->ack) ||
        (bare && tcps_only_syn_sent(peer) && seg->ack == peer->iss + 1)) {
        enum tcps_reason why = tcps_has(step->me, TCPS_CHALLENGE_DUE) ? TCPS_WHY_CHALLENGE_ACK : TCPS_WHY_ACK_FOR_SYN;

        step->me->known &= ~(uint32_t)TCPS_CHALLENGE_DUE;
        tcps_verdict(step, step->my_end, why);
        return false;
    }
    return true;
}

/* `me` has sent a SYN only, and now an ACK: it must cover the peer's SYN. Returns whether it does. */
bool tcps_takes_synack(struct tcps_step *step)
{
    struct tcps_endpoint *me = step->me, *peer = step->peer;
    const struct tcps_segment *seg = step->seg;

    if (seq_lt(seg->seq, me->iss)) return false;        /* a keep-alive probe has the SYN's own number */
    if (!tcps_has(peer, TCPS_HAS_NUMBERS)) return true; /* the SYN,ACK was not captured */
    if (tcps_has(peer, TCPS_OLD_LIFE)) { /* what is for an old life it would reset: the SYN,ACK was not captured */
        if (seq_between(peer->iss, seg->ack, peer->snd_nxt)) return false; /* a copy of the old third ACK */
        forget_old_life(peer);
        return true;
    }
    if (tcps_has(peer, TCPS_ALT_ISS) && seg->ack == tcps_doubt_of(step, step->peer_end) + 1) {
        peer->known &= ~(uint32_t)TCPS_ALT_ISS;
        tcps_start_numbers(step, peer, seg->ack - 1, seg->ack);
    }
    return tcps_covers_syn(peer, seg->ack);
}
